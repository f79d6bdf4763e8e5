// The demo's houses and the line between them: everything that listens, started from files that can be read and tried.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { sourceOf } from "../bytes.ts";
import { parseConfig } from "../config.ts";
import { type PassageReport, type RunningGateway, startGateway } from "../gateway.ts";
import { formatMailbox, type Mailbox, parseMailbox, RelayPool, type Reply, type SocketAddress } from "../smtp.ts";
import { type Community, type DemoMember, keyFile, members } from "./community.ts";
import type { Letter } from "./letters.ts";
import { Link } from "./link.ts";
import { type Arrival, keepMail } from "./mailbox.ts";
import { freePorts, loopback } from "./ports.ts";

export type House = {
  readonly member: DemoMember;
  readonly gateway: RunningGateway;
  /** The line on which mail from this house to the other one travels. */
  readonly link: Link;
  readonly ports: Ports;
};

/** Where users hand in, where the world does, where mail is kept, where the line begins. */
type Ports = { readonly inside: number; readonly outside: number; readonly mail: number; readonly link: number };

/** Something seen in a house while mail passes. */
export type Sight =
  | { readonly kind: "passage"; readonly house: string; readonly at: Date; readonly passage: PassageReport }
  | { readonly kind: "arrival"; readonly house: string; readonly at: Date; readonly arrival: Arrival };

export type Village = {
  readonly houses: readonly House[];
  /** Hands a letter in as the sender's mail server would. */
  submit(letter: Letter): Promise<readonly Reply[]>;
  close(): Promise<void>;
};

export type VillageOptions = {
  readonly onSight: (sight: Sight) => void;
  readonly onFault: (thrown: unknown) => void;
  /** Mail from the first house to the second is handed over here instead, by somebody who brings it to the line. */
  readonly linkProxy?: SocketAddress;
};

export async function openVillage(community: Community, options: VillageOptions): Promise<Village> {
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  try {
    const ports = await choosePorts();
    const houses: House[] = [];
    for (const [index, member] of members.entries()) {
      const via = index === 0 ? options.linkProxy : undefined;
      const more = { ...options, ...(via === undefined ? {} : { via }) };
      houses.push(await openHouse(community, member, ports, more, (one) => closing.push(one)));
    }
    const client = new RelayPool("client.see.example");
    closing.push(() => client.close());
    return { houses, submit: (letter) => submit(letter, houses, client), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function submit(letter: Letter, houses: readonly House[], client: RelayPool): Promise<readonly Reply[]> {
  const home = houses.find(({ member }) => letter.author.endsWith(`@${member.domain}`)) as House;
  const envelope = {
    reversePath: letter.from === "" ? undefined : mailbox(letter.from),
    forwardPaths: letter.to.map(mailbox),
    parameters: letter.eightBit ? { body: "8BITMIME" as const } : {},
  };
  return client.relay({ protocol: "smtp", address: home.gateway.listening.inside }, envelope, sourceOf(letter.octets));
}

async function choosePorts(): Promise<ReadonlyMap<string, Ports>> {
  const free = await freePorts(members.length * 4);
  // Those that people try by hand come first.
  const port = (row: number, index: number) => free[row * members.length + index] as number;
  return new Map(
    members.map(({ domain }, index) => [
      domain,
      { inside: port(0, index), outside: port(1, index), mail: port(2, index), link: port(3, index) },
    ]),
  );
}

type HouseOptions = VillageOptions & { readonly via?: SocketAddress };

async function openHouse(
  community: Community,
  member: DemoMember,
  ports: ReadonlyMap<string, Ports>,
  options: HouseOptions,
  closeLater: (close: () => Promise<void>) => void,
): Promise<House> {
  const { domain } = member;
  const folder = path.join(community.folder, domain);
  const own = ports.get(domain) as Ports;
  const other = members.find((candidate) => candidate !== member) as DemoMember;
  const link = await Link.open(own.link, { host: loopback, port: (ports.get(other.domain) as Ports).outside });
  closeLater(() => link.close());
  const mailboxes = await keepMail(domain, { host: loopback, port: own.mail }, path.join(folder, "mail"), (arrival) =>
    options.onSight({ kind: "arrival", house: domain, at: arrival.at, arrival }),
  );
  closeLater(() => mailboxes.close());
  const file = path.join(folder, "postern.yaml");
  await mkdir(folder, { recursive: true });
  const config = configText(community, domain, own, options.via ?? { host: loopback, port: own.link });
  await writeFile(file, config);
  const gateway = await startGateway(parseConfig(config, file), {
    report: (passage) => options.onSight({ kind: "passage", house: domain, at: new Date(passage.time), passage }),
    onFault: options.onFault,
  });
  closeLater(() => gateway.close());
  return { member, gateway, link, ports: own };
}

/** What `postern gateway --config` would take as well. */
function configText(
  { folder, rootFile, directoryFile }: Community,
  domain: string,
  ports: Ports,
  outside: SocketAddress,
): string {
  const hop = "path" in outside ? `unix:${outside.path}` : `${outside.host}:${outside.port}`;
  const pair = (role: "sign" | "encrypt") =>
    `{ key: ${JSON.stringify(keyFile(folder, domain, role, "pem"))}, certificate: ${JSON.stringify(keyFile(folder, domain, role, "crt"))} }`;
  return `# Made by postern demo, anew at every start.
hostname: gw.${domain}
dataDir: state
postmaster: postmaster@${domain}
community: see.example
trust: { anchors: [${JSON.stringify(rootFile)}] }
domains:
  - name: ${domain}
    signing: ${pair("sign")}
    encryption: [${pair("encrypt")}]
listen:
  inside: { smtp: ${loopback}:${ports.inside} }
  outside: { smtp: ${loopback}:${ports.outside} }
relay:
  inside: smtp://${loopback}:${ports.mail}
  outside: smtp://${hop}
directory:
  sources: [{ ldif: ${JSON.stringify(directoryFile)} }]
`;
}

function mailbox(address: string): Mailbox {
  const parsed = parseMailbox(address);
  if (parsed === undefined || formatMailbox(parsed) !== address) throw new Error(`not an address: ${address}`);
  return parsed;
}
