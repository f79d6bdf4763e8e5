// How fast are protect and open, beside OpenSSL's CMS in this process, warm Bouncy Castle, and pkijs? Memory to memory,
// sign and encrypt, decrypt and verify. Every peer opens the same message: OpenSSL's, plain DER, the easiest to read.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as bouncyCastle from "../test/interop/peers/bouncy-castle.ts";
import { type Mail, mailOf } from "./corpus.ts";
import { type Figure, format } from "./figure.ts";
import { inProcess, type Measured, paired, speedup, timeOf, type Variant } from "./measure.ts";
import { nodeFlags } from "./node-flags.ts";
import { ecParties, type Parties, rsaParties } from "./parties.ts";
import { type Cipher, type Form, openSslCms } from "./peers/openssl-cms.ts";
import { postern } from "./peers/postern.ts";

type Task = "protect" | "open";

type Target = { readonly must: number; readonly goal: number };

type Case = {
  readonly keys: Parties["name"];
  /** Octets of text. */
  readonly size: number;
  readonly form: Form;
  readonly cipher: Cipher;
  readonly peers: readonly ("openssl-smime" | "bouncy-castle" | "pkijs")[];
  /** By peer and task; what has none is measured for reference. */
  readonly targets: Partial<Record<"openssl" | "bouncy-castle", Readonly<Record<Task, Target>>>>;
};

const us = "Postern";
const tuned = "OpenSSL C, tuned";
const smime = "OpenSSL C, SMIME API";
const java = "Bouncy Castle, warm";
const npm = "pkijs";

const tasks = ["protect", "open"] as const;

/** Each case in a process of its own: what one leaves behind in the heap must not slow down the next. */
export async function run(): Promise<Figure[]> {
  const node = promisify(execFile);
  const figures: Figure[] = [];
  for (let index = 0; index < cases.length; index++) {
    for (const task of tasks) {
      const { stdout } = await node(process.execPath, [...nodeFlags, import.meta.filename, String(index), task]);
      figures.push(...(JSON.parse(stdout) as Figure[]));
    }
  }
  return figures;
}

const small = 2 * 1024;
const large = 10 * 2 ** 20;
const cbc = { cipher: "aes256-cbc", peers: [], targets: {} } as const;

// The targets were set with multipart/signed inside. The default form has to reach those against OpenSSL as well; its
// second pass of base64 costs us 9 ms at 10 MB and Bouncy Castle, which spends 150 elsewhere, nearly nothing.
const rsaTargets: Case["targets"] = {
  openssl: { protect: { must: 0.7, goal: 0.9 }, open: { must: 0.75, goal: 0.95 } },
  "bouncy-castle": { protect: { must: 3, goal: 5 }, open: { must: 3, goal: 5 } },
};
const ecTargets: Case["targets"] = {
  openssl: { protect: { must: 0.42, goal: 0.65 }, open: { must: 0.6, goal: 0.8 } },
};
const largeTargets = {
  openssl: { protect: { must: 1.3, goal: 1.5 }, open: { must: 1.9, goal: 2.3 } },
  "bouncy-castle": { protect: { must: 5, goal: 8 }, open: { must: 7, goal: 12 } },
} satisfies Case["targets"];

const cases: readonly Case[] = [
  {
    ...{ ...cbc, keys: "RSA-2048", size: small, form: "opaque", targets: rsaTargets },
    peers: ["openssl-smime", "bouncy-castle", "pkijs"],
  },
  { ...cbc, keys: "RSA-2048", size: small, form: "detached", targets: rsaTargets, peers: ["bouncy-castle"] },
  { ...cbc, keys: "P-256", size: small, form: "opaque", targets: ecTargets, peers: ["openssl-smime"] },
  { ...cbc, keys: "P-256", size: small, form: "detached", targets: ecTargets },
  {
    ...{ ...cbc, keys: "RSA-2048", size: large, form: "opaque", targets: { openssl: largeTargets.openssl } },
    peers: ["openssl-smime", "bouncy-castle"],
  },
  {
    ...{ ...cbc, keys: "RSA-2048", size: large, form: "detached", targets: largeTargets },
    peers: ["openssl-smime", "bouncy-castle"],
  },
  { ...cbc, keys: "RSA-2048", size: large, form: "binary" },
  { ...cbc, keys: "RSA-2048", size: large, form: "opaque", cipher: "aes256-gcm" },
];

async function measureCase({ keys, size, form, cipher, peers, targets }: Case, task: Task): Promise<Figure[]> {
  const parties = keys === "P-256" ? ecParties() : rsaParties();
  const mail = mailOf(size);
  const job = { parties, mail, form, cipher, peers };
  const measured = await paired(await (task === "protect" ? protectors(job) : openers(job)));
  const action = task === "protect" ? "sign+encrypt" : "decrypt+verify";
  const kind = form === "detached" ? "multipart/signed" : form === "binary" ? "opaque, binary" : "opaque";
  const work = `${action} ${mail.name} ${parties.name}, ${kind}, ${cipher}`;
  return [...measured.keys()]
    .filter((name) => name !== us)
    .map((name) => {
      const peer = name === tuned ? "openssl" : name === java ? "bouncy-castle" : undefined;
      const target = peer === undefined ? {} : (targets[peer]?.[task] ?? {});
      return {
        work,
        against: name,
        unit: "x",
        measured: speedup(measured, us, name),
        ...target,
        detail: detail(measured, name),
      };
    });
}

function detail(measured: Measured, theirs: string): string {
  const [mine, other] = [us, theirs].map((name) => format(timeOf(measured, name).median, "ms"));
  return `${mine} / ${other}`;
}

type Job = Pick<Case, "form" | "cipher" | "peers"> & { readonly parties: Parties; readonly mail: Mail };

async function protectors({ parties, mail, form, cipher, peers }: Job): Promise<Variant[]> {
  const own = await postern(parties);
  const c = openSslCms(parties);
  const variants = [
    inProcess(us, () => own.protect(mail.whole, form, cipher)),
    inProcess(tuned, () => c.protect(mail.entity, form, cipher)),
  ];
  assertSame(await own.open(await own.protect(mail.whole, form, cipher)), mail.whole);
  if (peers.includes("openssl-smime")) variants.push(inProcess(smime, () => c.protectSmime(mail.entity, form, cipher)));
  if (peers.includes("bouncy-castle")) variants.push(await inJava("protect", mail.entity, parties, form));
  if (peers.includes("pkijs")) {
    const { pkiJs } = await import("./peers/pkijs.ts"); // where it is not asked for its code must not weigh on the heap
    const peer = await pkiJs(parties);
    variants.push(inProcess(npm, () => peer.protect(mail.entity)));
  }
  return variants;
}

async function openers({ parties, mail, form, cipher, peers }: Job): Promise<Variant[]> {
  const own = await postern(parties);
  const c = openSslCms(parties);
  const message = Buffer.concat([mail.outer, c.protect(mail.entity, form, cipher)]);
  assertSame(c.open(message, form), mail.entity);
  assertSame(await own.open(message), mail.whole);
  const variants = [inProcess(us, () => own.open(message)), inProcess(tuned, () => c.open(message, form))];
  if (peers.includes("openssl-smime")) variants.push(inProcess(smime, () => c.openSmime(message)));
  if (peers.includes("bouncy-castle")) variants.push(await inJava("open", message, parties, form));
  if (peers.includes("pkijs")) {
    const { pkiJs } = await import("./peers/pkijs.ts");
    const peer = await pkiJs(parties);
    const oaep = await peer.protect(mail.entity);
    variants.push(inProcess(npm, () => peer.open(oaep)));
  }
  return variants;
}

/** The Java process counts its own CPU time, in steps of 10 ms. */
async function inJava(task: Task, message: Buffer, parties: Parties, form: Form): Promise<Variant> {
  const { signer, recipient, javaSignature } = parties;
  const { octets, cpuMs } = await bouncyCastle.measure(message, {
    ...{ task, form: form === "detached" ? form : "opaque", recipient },
    signer: { ...signer, algorithm: javaSignature },
  });
  assert.ok(octets.length > 0);
  return { name: java, leastMs: 1000, cpuMs };
}

function assertSame(octets: Uint8Array, expected: Uint8Array): void {
  assert.ok(Buffer.from(octets.buffer, octets.byteOffset, octets.length).equals(expected), "the octets differ");
}

if (process.argv[1] === import.meta.filename) {
  const [index, task] = process.argv.slice(2);
  const one = cases[Number(index)];
  if (one === undefined || (task !== "protect" && task !== "open"))
    throw new Error("usage: codec.ts CASE protect|open");
  process.stdout.write(JSON.stringify(await measureCase(one, task)));
}
