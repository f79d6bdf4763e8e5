// How fast are protect and open, beside OpenSSL's CMS in this process, warm Bouncy Castle, and pkijs? Memory to memory,
// sign and encrypt, decrypt and verify. Every peer opens the same message: OpenSSL's, plain DER, the easiest to read.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as bouncyCastle from "../test/interop/peers/bouncy-castle.ts";
import { type Mail, mailOf } from "./corpus.ts";
import { type Figure, format } from "./figure.ts";
import { inProcess, type Measured, paired, speedup, timeOf, type Variant, warmUpMs } from "./measure.ts";
import { nodeFlags } from "./node-flags.ts";
import { ecParties, type Parties, rsaParties } from "./parties.ts";
import { type Cipher, type Form, openSslCms } from "./peers/openssl-cms.ts";
import type { PkiJs } from "./peers/pkijs.ts";
import { postern } from "./peers/postern.ts";

type Task = "protect" | "open";

/** OpenSSL comes in two ways, `openssl-smime` adds the second. */
type Peer = "openssl" | "openssl-smime" | "bouncy-castle" | "pkijs";

type Target = { readonly must: number; readonly goal: number };

type Case = {
  readonly keys: Parties["name"];
  /** Octets of text. */
  readonly size: number;
  readonly form: Form;
  readonly cipher: Cipher;
  readonly peers: readonly Peer[];
  /** By peer and task; what has none is measured for reference. */
  readonly targets: Partial<Record<"openssl" | "bouncy-castle", Readonly<Record<Task, Target>>>>;
};

const us = "Postern";
const tuned = "OpenSSL C, tuned";
const smime = "OpenSSL C, SMIME API";
const java = "Bouncy Castle, warm";
const npm = "pkijs";

const tasks = ["protect", "open"] as const;

/** Each case and peer in a process of its own: what one leaves behind in the heap must not slow down the next. */
export async function run(): Promise<Figure[]> {
  const node = promisify(execFile);
  const figures: Figure[] = [];
  for (const [index, { peers }] of cases.entries()) {
    for (const task of tasks) {
      for (const peer of peers) {
        const { stdout } = await node(process.execPath, [
          ...nodeFlags,
          import.meta.filename,
          String(index),
          task,
          peer,
        ]);
        figures.push(...(JSON.parse(stdout) as Figure[]));
      }
    }
  }
  return figures;
}

const small = 2 * 1024;
const large = 10 * 2 ** 20;
const cbc = { cipher: "aes256-cbc", peers: ["openssl"], targets: {} } as const;

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
  { ...cbc, keys: "RSA-2048", size: small, form: "detached", targets: rsaTargets, peers: ["openssl", "bouncy-castle"] },
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

async function measureCase(one: Case, task: Task, peer: Peer): Promise<Figure[]> {
  const { keys, size, form, cipher, targets } = one;
  const parties = keys === "P-256" ? ecParties() : rsaParties();
  const mail = mailOf(size);
  const job = { parties, mail, form, cipher, peer };
  const measured = await paired(await (task === "protect" ? protectors(job) : openers(job)));
  const action = task === "protect" ? "sign+encrypt" : "decrypt+verify";
  const kind = form === "detached" ? "multipart/signed" : form === "binary" ? "opaque, binary" : "opaque";
  const work = `${action} ${mail.name} ${parties.name}, ${kind}, ${cipher}`;
  return [...measured.keys()]
    .filter((name) => name !== us)
    .map((name) => {
      const target = name === tuned ? targets.openssl : name === java ? targets["bouncy-castle"] : undefined;
      return {
        work,
        against: name,
        unit: "x",
        measured: speedup(measured, us, name),
        ...target?.[task],
        detail: detail(measured, name),
      };
    });
}

function detail(measured: Measured, theirs: string): string {
  const [mine, other] = [us, theirs].map((name) => format(timeOf(measured, name).median, "ms"));
  return `${mine} / ${other}`;
}

type Job = Pick<Case, "form" | "cipher"> & { readonly parties: Parties; readonly mail: Mail; readonly peer: Peer };

async function protectors({ parties, mail, form, cipher, peer }: Job): Promise<Variant[]> {
  const own = await postern(parties);
  assertSame(await own.open(await own.protect(mail.whole, form, cipher)), mail.whole);
  const ours = inProcess(us, () => own.protect(mail.whole, form, cipher));
  if (peer === "bouncy-castle") return [ours, await inJava("protect", mail.entity, parties, form)];
  if (peer === "pkijs") {
    const theirs = await loadPkiJs(parties);
    return [ours, inProcess(npm, () => theirs.protect(mail.entity))];
  }
  const c = openSslCms(parties);
  const cms = inProcess(tuned, () => c.protect(mail.entity, form, cipher), "native");
  const api = inProcess(smime, () => c.protectSmime(mail.entity, form, cipher), "native");
  return peer === "openssl" ? [ours, cms] : [ours, cms, api];
}

async function openers({ parties, mail, form, cipher, peer }: Job): Promise<Variant[]> {
  const own = await postern(parties);
  const c = openSslCms(parties);
  const message = Buffer.concat([mail.outer, c.protect(mail.entity, form, cipher)]);
  assertSame(c.open(message, form), mail.entity);
  assertSame(await own.open(message), mail.whole);
  const ours = inProcess(us, () => own.open(message));
  if (peer === "bouncy-castle") return [ours, await inJava("open", message, parties, form)];
  if (peer === "pkijs") {
    const theirs = await loadPkiJs(parties);
    const oaep = await theirs.protect(mail.entity);
    return [ours, inProcess(npm, () => theirs.open(oaep))];
  }
  const cms = inProcess(tuned, () => c.open(message, form), "native");
  const api = inProcess(smime, () => c.openSmime(message), "native");
  return peer === "openssl" ? [ours, cms] : [ours, cms, api];
}

/** Not imported above: where it is not asked for, its code must not weigh on the heap. */
async function loadPkiJs(parties: Parties): Promise<PkiJs> {
  return (await import("./peers/pkijs.ts")).pkiJs(parties);
}

/** The Java process counts its own CPU time, in steps of 10 ms. */
async function inJava(task: Task, message: Buffer, parties: Parties, form: Form): Promise<Variant> {
  const { signer, recipient, javaSignature } = parties;
  const { octets, cpuMs } = await bouncyCastle.measure(message, {
    ...{ task, form: form === "detached" ? form : "opaque", recipient },
    signer: { ...signer, algorithm: javaSignature },
  });
  assert.ok(octets.length > 0);
  return { name: java, leastMs: 1000, warmUpMs: warmUpMs.compiled, cpuMs };
}

function assertSame(octets: Uint8Array, expected: Uint8Array): void {
  assert.ok(Buffer.from(octets.buffer, octets.byteOffset, octets.length).equals(expected), "the octets differ");
}

if (process.argv[1] === import.meta.filename) {
  const [index, task, peer] = process.argv.slice(2) as [string, Task, Peer];
  process.stdout.write(JSON.stringify(await measureCase(cases[Number(index)] as Case, task, peer)));
}
