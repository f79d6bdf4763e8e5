// What nobody can do without to sign and encrypt a message with RSA-2048: one signature, one encryption, SHA-256 and
// AES-256-CBC over it. Twice: as `openssl speed` of the system tells it, which is what the gateway is held to, and as
// node:crypto does it here, calls and buffers included, for reference.

import { execFileSync } from "node:child_process";
import { constants, createCipheriv, generateKeyPairSync, hash, publicEncrypt, sign } from "node:crypto";
import { noOctets } from "../src/bytes.ts";

// What `openssl speed` offers goes up to here; the price of an octet no longer changes.
const largestBlock = 16_384;

/** CPU milliseconds by `openssl speed`, which counts user time. An encryption costs as much as a verification. */
export function opensslMs(octets: number): number {
  const block = String(Math.min(octets, largestBlock));
  const [, signs, verifies] = found(/^\+F2:\d+:2048:([\d.]+):([\d.]+)$/m, speed("rsa2048"));
  const bulk = (...what: readonly string[]): number =>
    Number(found(/^\+F:\d+:[^:]+:([\d.]+)$/m, speed("-bytes", block, ...what))[1]);
  const [encrypted, hashed] = [bulk("-evp", "aes-256-cbc"), bulk("sha256")];
  return 1000 * (1 / Number(signs) + 1 / Number(verifies) + octets / encrypted + octets / hashed);
}

function speed(...what: readonly string[]): string {
  const options = ["speed", "-seconds", "1", "-mr", ...what];
  return execFileSync("openssl", options, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

function found(shape: RegExp, answer: string): RegExpExecArray {
  const match = shape.exec(answer);
  if (match === null) throw new Error(`openssl speed said ${answer}`);
  return match;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** CPU milliseconds by node:crypto. */
export function nodeCryptoMs(octets: number): number {
  const { privateKey, publicKey } = rsa;
  const content = Buffer.alloc(octets, "x");
  const [key, iv] = [Buffer.alloc(32), Buffer.alloc(16)];
  const one = (): void => {
    sign("sha256", noOctets, privateKey);
    publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key);
    hash("sha256", content, "buffer");
    const cipher = createCipheriv("aes-256-cbc", key, iv);
    for (let at = 0; at < octets; at += 65_536) cipher.update(content.subarray(at, at + 65_536));
    cipher.final();
  };
  const times = octets < 1e5 ? 1000 : 100;
  for (let warmUp = 0; warmUp < times / 5; warmUp += 1) one();
  const before = process.cpuUsage();
  for (let time = 0; time < times; time += 1) one();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}
