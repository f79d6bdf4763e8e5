// A house of the demo: a member's gateway, the mail server of its users, its edge and the line to the other house.
// Everything is started from files that can be read and tried.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseConfig } from "../config.ts";
import { type PassageReport, type RunningGateway, startGateway } from "../gateway.ts";
import type { Hop, RelayPool, SocketAddress } from "../smtp.ts";
import { type Community, type DemoMember, encryptionKeys, type KeyFileName, keyFile, members } from "./community.ts";
import { openEdge } from "./edge.ts";
import { Link } from "./link.ts";
import { type Arrival, keepMail } from "./mailbox.ts";
import { loopback } from "./ports.ts";

export type House = {
  readonly member: DemoMember;
  readonly gateway: () => RunningGateway;
  /** The line on which mail from this house to the other one travels. */
  readonly link: Link;
  readonly ports: Ports;
  readonly configFile: string;
  /** Stops the gateway and starts it with the keys that lie there now. */
  restart(): Promise<void>;
  /** The mail server of its users goes, and comes back. */
  closeMail(): Promise<void>;
  openMail(): Promise<void>;
};

/** Where users hand in, where the world does, where mail is kept, where mail leaves to, where the line begins. */
export type Ports = Readonly<Record<"inside" | "outside" | "mail" | "edge" | "link", number>>;

/** Something seen in a house while mail passes. */
export type Sight =
  | { readonly kind: "passage"; readonly house: string; readonly at: Date; readonly passage: PassageReport }
  | { readonly kind: "arrival"; readonly house: string; readonly at: Date; readonly arrival: Arrival };

export type Closing = () => Promise<void>;

export type AllPorts = { readonly of: ReadonlyMap<string, Ports>; readonly world: number };

/** What a house is opened with. */
export type Setting = Watcher & {
  readonly onFault: (thrown: unknown) => void;
  readonly community: Community;
  readonly ports: AllPorts;
  readonly pool: RelayPool;
  /** Stands between this house and its line. */
  readonly via?: SocketAddress;
};

type Watcher = { readonly onSight: (sight: Sight) => void };

export async function openHouse(
  member: DemoMember,
  setting: Setting,
  closeLater: (one: Closing) => void,
): Promise<House> {
  const { community, ports, pool, via } = setting;
  const { domain } = member;
  const folder = path.join(community.folder, domain);
  const own = ports.of.get(domain) as Ports;
  const other = members.find((candidate) => candidate !== member) as DemoMember;
  const link = await Link.open(own.link, { host: loopback, port: (ports.of.get(other.domain) as Ports).outside });
  closeLater(() => link.close());
  const line: Hop = { protocol: "smtp", address: via ?? { host: loopback, port: own.link } };
  const toWorld = hopAt(ports.world);
  const hopFor = (name: string): Hop => (name === other.domain ? line : toWorld);
  const edge = await openEdge(`edge.${domain}`, { host: loopback, port: own.edge }, hopFor, pool);
  closeLater(() => edge.close());
  const openMail = () => openMailbox(domain, own.mail, path.join(folder, "mail"), setting);
  let closeMail = await openMail();
  closeLater(() => closeMail());
  const configFile = path.join(folder, "postern.yaml");
  const open = () => openGateway(member, configFile, own, setting);
  let gateway = await open();
  closeLater(() => gateway.close());
  return {
    member,
    gateway: () => gateway,
    link,
    ports: own,
    configFile,
    async restart() {
      await gateway.close();
      gateway = await open();
    },
    closeMail: () => closeMail(),
    async openMail() {
      closeMail = await openMail();
    },
  };
}

export async function openMailbox(
  domain: string,
  port: number,
  folder: string,
  { onSight }: Watcher,
): Promise<Closing> {
  const server = await keepMail(domain, { host: loopback, port }, folder, (arrival) =>
    onSight({ kind: "arrival", house: domain, at: arrival.at, arrival }),
  );
  return () => server.close();
}

async function openGateway(
  member: DemoMember,
  configFile: string,
  ports: Ports,
  { community, onSight, onFault }: Setting,
): Promise<RunningGateway> {
  await mkdir(path.dirname(configFile), { recursive: true });
  const config = configText(community, member, ports);
  await writeFile(configFile, config);
  return startGateway(parseConfig(config, configFile), {
    report: (passage) => onSight({ kind: "passage", house: member.domain, at: new Date(passage.time), passage }),
    onFault,
  });
}

export const hopAt: (port: number) => Hop = (port) => ({ protocol: "smtp", address: { host: loopback, port } });

/** What `postern gateway --config` would take as well. */
function configText(community: Community, member: DemoMember, ports: Ports): string {
  const { folder, rootFile, directoryFile } = community;
  const { domain } = member;
  const pair = (role: KeyFileName) =>
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
    encryption: [${encryptionKeys(community, member).map(pair).join(", ")}]
listen:
  inside: { smtp: ${loopback}:${ports.inside} }
  outside: { smtp: ${loopback}:${ports.outside} }
relay:
  inside: smtp://${loopback}:${ports.mail}
  outside: smtp://${loopback}:${ports.edge}
directory:
  sources: [{ ldif: ${JSON.stringify(directoryFile)} }]
`;
}
