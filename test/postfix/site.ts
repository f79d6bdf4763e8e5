// One site of the laboratory: a gateway, its four Postfix instances, and its users' mail server.
//
//   users ──▶ hub-out ──▶ POSTERN ──(tap)──▶ edge-out ──(observer)──▶ the others
//   users ◀── edge-in ◀──(tap)── POSTERN ◀── hub-in ◀──(observer)──── the others

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { sourceOf } from "../../src/bytes.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import { type InstanceName, type PostfixInstance, postfixInstances } from "../../src/postfix.ts";
import { parseMailbox, RelayPool, type Reply } from "../../src/smtp.ts";
import { GatewayProcess } from "./gateway.ts";
import { PostfixProcess } from "./instance.ts";
import { MailStub } from "./mail-stub.ts";
import { freePort, loopback } from "./ports.ts";
import { Tap } from "./tap.ts";

export type SiteOrder = {
  readonly name: string;
  readonly domains: readonly string[];
  /** Lines for the gateway's configuration, beside what every site has. */
  readonly config?: string;
  readonly postfix?: PostfixChanges | ((ports: Ports) => PostfixChanges);
  /** Of the gateway's process, by the site's folder. */
  readonly environment?: (folder: string) => NodeJS.ProcessEnv;
  /** Options for the gateway. */
  readonly options?: readonly string[];
  /** The gateway's folder is a file system of its own, this large. */
  readonly stateSize?: string;
};

type PostfixChanges = Partial<Record<InstanceName, Readonly<Record<string, string>>>>;

/** Where each kind of server of one site listens. */
export type Ports = Readonly<
  Record<InstanceName | "inside" | "outside" | "tapInside" | "tapOutside" | "users", number>
>;

export async function choosePorts(): Promise<Ports> {
  const names = ["hub-out", "edge-out", "hub-in", "edge-in", "inside", "outside", "tapInside", "tapOutside", "users"];
  const ports: [string, number][] = [];
  for (const name of names) ports.push([name, await freePort()]);
  return Object.fromEntries(ports) as Ports;
}

export class Site {
  readonly domains: readonly string[];
  readonly folder: string;
  readonly ports: Ports;
  readonly gateway: GatewayProcess;
  readonly users: MailStub;
  /** Between Postern and its edges. */
  readonly taps: Readonly<Record<"inside" | "outside", Tap>>;
  readonly postfix: Readonly<Record<InstanceName, PostfixProcess>>;
  readonly #client: RelayPool;

  private constructor(parts: Pick<Site, "domains" | "folder" | "ports" | "gateway" | "users" | "taps" | "postfix">) {
    this.domains = parts.domains;
    this.folder = parts.folder;
    this.ports = parts.ports;
    this.gateway = parts.gateway;
    this.users = parts.users;
    this.taps = parts.taps;
    this.postfix = parts.postfix;
    this.#client = new RelayPool(`mail.${parts.domains[0]}`);
  }

  /** `ways`: the port at which edge-out meets each domain, `*` all others. */
  static async open(
    order: SiteOrder,
    home: string,
    community: string,
    ports: Ports,
    ways: ReadonlyMap<string, number>,
    opened: (close: () => Promise<unknown>) => void,
  ): Promise<Site> {
    const folder = path.join(home, order.name);
    mkdirSync(folder);
    if (order.stateSize !== undefined) opened(mountSmall(path.join(folder, "state"), order.stateSize));
    const configFile = path.join(folder, "postern.yaml");
    writeFileSync(configFile, configText(order, community, ports));
    const instances = instancesOf(parseConfig(configText(order, community, ports), configFile), ports);
    const world = [...ways].map(([domain, port]) => `{${domain} = smtp:[${loopback}]:${port}}`).join(", ");
    const changes: Partial<Record<InstanceName, Record<string, string>>> = {
      "edge-out": { transport_maps: `inline:{ ${world} }` },
    };
    const ordered = typeof order.postfix === "function" ? order.postfix(ports) : order.postfix;
    const started = await Promise.all(
      instances.map(async (instance) => {
        const { name } = instance;
        const all = { ...changes[name], ...ordered?.[name] };
        const postfix = await PostfixProcess.start(instance, folder, ports[name], all);
        opened(() => postfix.stop());
        return [name, postfix] as const;
      }),
    );
    const users = await MailStub.open(ports.users);
    const gateway = await GatewayProcess.start(configFile, order.environment?.(folder), order.options);
    const taps = {
      inside: await Tap.open(ports.tapInside, ports["edge-in"]),
      outside: await Tap.open(ports.tapOutside, ports["edge-out"]),
    };
    for (const close of [
      () => gateway.stop(),
      () => users.close(),
      () => taps.inside.close(),
      () => taps.outside.close(),
    ])
      opened(close);
    const postfix = Object.fromEntries(started) as Record<InstanceName, PostfixProcess>;
    const site = new Site({ domains: order.domains, folder, ports, gateway, users, taps, postfix });
    opened(() => site.#client.close());
    return site;
  }

  /** Hands a mail in as the users' mail server does; throws unless all recipients are taken. */
  async send(from: string, to: readonly string[], message: Uint8Array): Promise<void> {
    await handIn(this.#client, this.ports["hub-out"], from, to, message);
  }

  /** Everything that stands in the four queues. */
  async queued(): Promise<number> {
    const all = await Promise.all(Object.values(this.postfix).map((instance) => instance.queue()));
    return all.flat().length;
  }

  async flush(): Promise<void> {
    await Promise.all(Object.values(this.postfix).map((instance) => instance.flush()));
  }

  logs(): string {
    return [this.gateway.log(), ...Object.values(this.postfix).map((instance) => instance.log())].join("\n");
  }
}

/** False where this machine lets nobody mount. */
export function canMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), "postern-mount-"));
  try {
    void mountSmall(folder, "64k")();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mountSmall(folder: string, size: string): () => Promise<void> {
  mkdirSync(folder, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=700`, "tmpfs", folder], { stdio: "ignore" });
  return async () => {
    execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
  };
}

export async function handIn(
  client: RelayPool,
  port: number,
  from: string,
  to: readonly string[],
  message: Uint8Array,
): Promise<void> {
  const replies: readonly Reply[] = await client.relay(
    { protocol: "smtp", address: { host: loopback, port } },
    {
      reversePath: parseMailbox(from),
      forwardPaths: to.flatMap((address) => parseMailbox(address) ?? []),
      parameters: {},
    },
    sourceOf(message),
  );
  const refused = replies.filter(({ code }) => code !== 250);
  if (refused.length > 0) throw new Error(`the hub refused: ${JSON.stringify(refused)}`);
}

/** A tap stands between Postern and each edge, so that edges listen elsewhere than Postern thinks. */
export function instancesOf(config: Config, ports: Ports): readonly PostfixInstance[] {
  const edgeAt = (port: number) => ({ protocol: "smtp", address: { host: loopback, port } }) as const;
  return postfixInstances({
    ...config,
    relay: { ...config.relay, inside: edgeAt(ports["edge-in"]), outside: edgeAt(ports["edge-out"]) },
    pins: {},
    users: `[${loopback}]:${ports.users}`,
    networks: [],
    public: `${loopback}:${ports["hub-in"]}`,
  });
}

function configText({ name, domains, config = "" }: SiteOrder, community: string, ports: Ports): string {
  const at = (port: number): string => `${loopback}:${port}`;
  const file = (domain: string, role: string) =>
    `{ key: ${community}/${domain}/${role}.pem, certificate: ${community}/${domain}/${role}.crt }`;
  return `hostname: gw.${name}
dataDir: state
postmaster: postmaster@${domains[0]}
trust: { anchors: [${community}/root.pem], revocation: ignore }
domains:
${domains.map((domain) => `  - { name: ${domain}, signing: ${file(domain, "sign")}, encryption: [${file(domain, "encrypt")}] }`).join("\n")}
listen:
  inside: { lmtp: "${at(ports.inside)}" }
  outside: { lmtp: "${at(ports.outside)}" }
relay:
  inside: smtp://${at(ports.tapInside)}
  outside: smtp://${at(ports.tapOutside)}
  submit: smtp://${at(ports["hub-out"])}
directory: { sources: [{ ldif: ${community}/members.ldif }] }
${config}`;
}
