// A gateway between sinks that stand for the inside and the world, on real sockets and a real store, over LMTP unless told
// otherwise so that each recipient has its answer.

import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type ByteSource, collect, sourceOf } from "../src/bytes.ts";
import { parseConfig } from "../src/config.ts";
import { privateKeyOf } from "../src/crypto.ts";
import { type Community, keyFile, openCommunity } from "../src/demo/community.ts";
import {
  corridor,
  type OpenServices,
  openServices,
  type PassageReport,
  type RunningGateway,
  type Services,
  type Side,
  startGateway,
} from "../src/gateway.ts";
import { loadKey } from "../src/keystore.ts";
import { cipherFor, type ProfileName, protect, recipientFor, signatureFor } from "../src/smime.ts";
import { type ForwardPath, type MailParameters, parseMailbox, RelayPool, type Reply } from "../src/smtp.ts";
import { openSink, type Sink } from "./sink.ts";

export const minister = "minister@treasury.example";
export const clerk = "clerk@parliament.example";

let mails = 0;

/** No two alike: the ledger takes the same octets for a retry. */
export function mail(from: string, ...more: readonly string[]): string {
  mails += 1;
  return [`From: ${from}`, `Message-ID: <${mails}@lab.example>`, "Subject: x", ...more, "", "text", ""].join("\r\n");
}

export type Hand = {
  readonly from?: string;
  readonly to: readonly string[];
  readonly message: string | Uint8Array;
  readonly parameters?: MailParameters;
  /** What the hub calls it (XFORWARD IDENT). */
  readonly queueId?: string;
};

export type LabOptions = {
  readonly protocol?: "lmtp" | "smtp";
  /** Domains served beside treasury.example; with its keys where the community gave them none. */
  readonly also?: readonly string[];
  readonly entries?: string;
  readonly submit?: Sink;
  readonly more?: string;
};

export class Lab {
  readonly folder: string;
  readonly community: Community;
  readonly users: Sink;
  readonly world: Sink;
  readonly reports: PassageReport[] = [];
  readonly faults: unknown[] = [];
  readonly #client = new RelayPool("hub.example");
  readonly #closing: (() => Promise<unknown> | undefined)[] = [];
  readonly #options: LabOptions;
  #gateway: RunningGateway | undefined;

  private constructor(folder: string, community: Community, users: Sink, world: Sink, options: LabOptions) {
    this.folder = folder;
    this.community = community;
    this.users = users;
    this.world = world;
    this.#options = options;
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    const folder = mkdtempSync(path.join(tmpdir(), "postern-lab-"));
    const community = await openCommunity(folder);
    if (options.entries !== undefined) appendFileSync(community.directoryFile, `\n${options.entries}`);
    return new Lab(folder, community, await openSink(), await openSink(), options);
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.stop();
    for (const close of this.#closing.splice(0).reverse()) await close();
    await this.users.close();
    await this.world.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get configText(): string {
    const { protocol = "lmtp", also = [], submit, more = "" } = this.#options;
    const pair = (name: string, role: "sign" | "encrypt") => {
      const holder = existsSync(this.#file(name, role, "pem")) ? name : "treasury.example";
      return `{ key: ${this.#file(holder, role, "pem")}, certificate: ${this.#file(holder, role, "crt")} }`;
    };
    const domains = ["treasury.example", ...also].map(
      (name) => `  - { name: ${name}, signing: ${pair(name, "sign")}, encryption: [${pair(name, "encrypt")}] }`,
    );
    const hop = ({ port }: Sink) => `smtp://127.0.0.1:${port}`;
    return `hostname: gw.treasury.example
dataDir: ${path.join(this.folder, "state")}
postmaster: postmaster@treasury.example
trust: { anchors: [${this.community.rootFile}] }
domains:
${domains.join("\n")}
listen: { inside: { ${protocol}: "127.0.0.1:0" }, outside: { ${protocol}: "127.0.0.1:0" } }
relay: { inside: "${hop(this.users)}", outside: "${hop(this.world)}"${submit === undefined ? "" : `, submit: "${hop(submit)}"`} }
directory: { sources: [{ ldif: ${this.community.directoryFile} }] }
${more}`;
  }

  async start(): Promise<RunningGateway> {
    this.#gateway = await startGateway(parseConfig(this.configText, path.join(this.folder, "c.yaml")), this.#watchers);
    return this.#gateway;
  }

  async stop(): Promise<void> {
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  /** What the stages work with, without listeners. */
  async services(): Promise<Services> {
    const open: OpenServices = await openServices(
      parseConfig(this.configText, path.join(this.folder, "c.yaml")),
      this.#watchers,
    );
    this.#closing.push(() => open.close());
    return open.services;
  }

  get #watchers() {
    return {
      report: (report: PassageReport) => this.reports.push(report),
      onFault: (thrown: unknown) => this.faults.push(thrown),
    };
  }

  /** Hands a message to the running gateway; the replies, each as `250 2.0.0`. */
  async hand(side: Side, { from, to, message, parameters = {} }: Hand): Promise<string> {
    const gateway = this.#gateway ?? (await this.start());
    const hop = { protocol: this.#options.protocol ?? "lmtp", address: gateway.listening[side] } as const;
    const replies = await this.#client.relay(hop, envelopeOf(from, to, parameters), octetsOf(message));
    return replies.map(({ code, enhancedStatus }) => `${code} ${enhancedStatus}`).join(", ");
  }

  /** What parliament's gateway would send to treasury.example. */
  async fromParliament(message: string, profile: ProfileName = "M"): Promise<Uint8Array> {
    const load = (domain: string, role: "sign" | "encrypt") =>
      loadKey({ key: this.#file(domain, role, "pem"), certificate: this.#file(domain, role, "crt") });
    const signer = await load("parliament.example", "sign");
    const { certificate: recipient } = await load("treasury.example", "encrypt");
    assert.ok(signer.certificate !== undefined && recipient !== undefined);
    const { certificate } = signer;
    const key = privateKeyOf(signer.privateKey, certificate.publicKey);
    return collect(
      protect(sourceOf(Buffer.from(message, "latin1")), {
        signers: [{ key, certificate, scheme: signatureFor(profile, certificate), signingTime: new Date() }],
        chain: [],
        recipients: [recipientFor(recipient, profile)],
        cipher: cipherFor(profile),
        form: "opaque",
        innerEncoding: "base64",
        ber: false,
      }),
    );
  }

  #file(domain: string, role: "sign" | "encrypt", kind: "pem" | "crt"): string {
    return keyFile(this.folder, domain, role, kind);
  }
}

/** Hands a message to the stages themselves, over services of which some may be made to fail. */
export async function walk(
  services: Services,
  side: Side,
  { from, to, message, parameters = {}, queueId }: Hand,
  protocol: "LMTP" | "ESMTP" = "LMTP",
): Promise<string[]> {
  const replies: readonly Reply[] = await corridor(
    side,
    services,
  )({
    envelope: envelopeOf(from, to, parameters),
    peer: { address: "127.0.0.1", helo: "hub.example", protocol, ...(queueId === undefined ? {} : { queueId }) },
    message: octetsOf(message),
  });
  return replies.map(({ code, enhancedStatus }) => `${code} ${enhancedStatus}`);
}

export function address(text: string): ForwardPath {
  const parsed = parseMailbox(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function envelopeOf(from: string | undefined, to: readonly string[], parameters: MailParameters) {
  return { reversePath: from === undefined ? undefined : address(from), forwardPaths: to.map(address), parameters };
}

function octetsOf(message: string | Uint8Array): ByteSource {
  return sourceOf(typeof message === "string" ? Buffer.from(message, "latin1") : message);
}

export function fields(message: string, name: string): string[] {
  return [...message.matchAll(new RegExp(`^${name}:.*(?:\\r\\n[ \\t].*)*`, "gim"))].map(([field]) => field);
}

export function flipped(message: Uint8Array, share: number): Uint8Array {
  const octets = Buffer.from(message);
  let at = Math.floor(octets.length * share);
  while (octets[at] === 0x0d || octets[at] === 0x0a) at += 1;
  octets[at] = octets[at] === 0x41 ? 0x42 : 0x41;
  return octets;
}
