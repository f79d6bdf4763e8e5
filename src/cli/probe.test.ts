// What would happen to a mail, told by the real program over real keys; nothing listens where it would go.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { runPostern } from "../../test/program.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import type { DomainName } from "../domain.ts";
import { openStore } from "../store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-probe-"));
after(() => rmSync(folder, { recursive: true }));
const community = await openCommunity(folder);
const config = configOf(community);

async function probe(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["probe", ...args, "--config", config]);
  return { status, out: stdout.toString(), said: stderr };
}
const [minister, clerk] = ["minister@treasury.example", "clerk@parliament.example"];

test("mail to a member: rule, certificates, algorithms, next hop; and nothing is made", async () => {
  const { status, out } = await probe("--from", minister, "--to", clerk);
  assert.equal(status, 0, out);
  assert.match(out, /^from +minister@treasury\.example\narrives +from our own mail server \(listen\.inside\)\n\n/);
  assert.match(
    out,
    /^to +clerk@parliament\.example\nrule +out\.member\ntreatment +signed as treasury\.example and encrypted/m,
  );
  assert.match(out, /^entry +parliament\.example, active$/m);
  assert.match(out, /^algorithms +rsa-pss-sha256, aes256-gcm$/m);
  assert.match(out, /^next hop +smtp:\/\/127\.0\.0\.1:1 \(relay\.outside\)$/m);
  assert.match(out, /^ {2}chosen +[0-9a-f]{16} +until \d{4}-\d\d-\d\d +CN=Postern of parliament\.example/m);
  assert.equal(existsSync(path.join(folder, "state")), false);
});

test("recipients of three kinds are three groups, as text and as data", async () => {
  const to = [clerk, "x@world.example", "other@treasury.example"].flatMap((address) => ["--to", address]);
  const { status, out } = await probe("--from", minister, ...to, "--json");
  assert.equal(status, 0, out);
  const { side, groups } = JSON.parse(out);
  const seen = groups.map(
    (group: { rule: string; recipients: string[] }) => `${group.recipients.join()} ${group.rule}`,
  );
  assert.equal(side, "inside");
  assert.deepEqual(seen.sort(), [
    `${clerk} out.member`,
    "other@treasury.example own.pass",
    "x@world.example out.stranger",
  ]);
});

test("mail that came in is opened and judged where there is one, and its fate told", async () => {
  const guessed = await probe("--from", clerk, "--to", minister);
  assert.equal(guessed.status, 0);
  assert.match(guessed.out, /^rule +in\.open$/m);
  assert.match(guessed.out, /^entry +parliament\.example \(the sender's\), active$/m);
  const letter = Buffer.from(`From: ${clerk}\r\nSubject: for you\r\n\r\nA word.\r\n`);
  const theirs = (kind: "pem" | "crt") => keyFile(folder, "parliament.example", "sign", kind);
  const recipient = keyFile(folder, "treasury.example", "encrypt", "crt");
  const made = await runPostern(
    [
      "protect",
      "--sign-key",
      theirs("pem"),
      "--sign-cert",
      theirs("crt"),
      "--recipient-cert",
      recipient,
      "--profile",
      "M",
    ],
    letter,
  );
  const file = path.join(folder, "letter.eml");
  writeFileSync(file, made.stdout);
  const judged = await probe("--from", clerk, "--to", minister, "--message", file);
  assert.equal(judged.status, 0, judged.out);
  assert.match(judged.out, /^treatment +OK: delivered$/m);
  const base64 = made.stdout.toString("latin1");
  writeFileSync(file, base64.slice(0, -200) + base64.slice(-200).replace(/[B-M]/, "A"));
  const bent = await probe("--from", clerk, "--to", minister, "--message", file);
  assert.equal(bent.status, 1, bent.out);
  assert.match(bent.out, /^treatment +(?:BAD_CONTENT|MALFORMED).*: held$/m);
  assert.match(bent.out, /^next hop +none$/m);
});

test("a member without a usable certificate: why each was rejected, exit 1", async () => {
  const whole = readFileSync(community.directoryFile, "utf8");
  const [head, treasury, parliament = ""] = whole.split("\n\n");
  const other = treasury?.match(/userCertificate;binary:: [\s\S]*?(?=\n[a-z])/g) ?? [];
  const broken = parliament.replace(/userCertificate;binary:: [\s\S]*\n(?=posternStatus)/, `${other.join("\n")}\n`);
  writeFileSync(community.directoryFile, [head, treasury, broken].join("\n\n"));
  const { status, out } = await probe("--from", minister, "--to", clerk);
  writeFileSync(community.directoryFile, whole);
  assert.equal(status, 1);
  assert.match(out, /^rule +out\.unusable\ntreatment +put off or refused: 451 4\.7\.5 /m);
  assert.match(out, /^ {2}rejected +[0-9a-f]{16} +until \S+ +NOT_BOUND: does not name the confidentiality authority/m);
});

test("a member whose entry vanished: since when, until when, and what to do", async () => {
  const whole = readFileSync(community.directoryFile, "utf8");
  const dataDir = path.join(folder, "state");
  const store = await openStore({
    file: path.join(dataDir, "postern.db"),
    dataDir,
    onFault: (thrown) => assert.fail(String(thrown)),
  });
  await store.members.note([{ domain: "parliament.example" as DomainName, subdomains: false }], []);
  await store.close();
  writeFileSync(community.directoryFile, `${whole.split("\n\n").slice(0, 2).join("\n\n")}\n`);
  const told = await probe("--from", minister, "--to", clerk);
  const run = async (...args: readonly string[]) => (await runPostern([...args, "--config", config])).stdout.toString();
  const verified = await run("directory", "verify");
  const found = await run("directory", "lookup", "parliament.example");
  const checked = await run("check", "--no-probes");
  writeFileSync(community.directoryFile, whole);
  rmSync(dataDir, { recursive: true });
  const gone =
    /the entry of parliament\.example is gone since .* UTC; if it left, say posternStatus: left; mail to it waits until /;
  assert.equal(told.status, 1);
  assert.match(told.out, /^rule +out\.unusable\ntreatment +put off or refused: 451 4\.7\.5 /m);
  for (const out of [told.out, verified, found, checked]) assert.match(out, gone);
  assert.match(checked, /^WARNING +directory +parliament\.example: the entry/m);
});

test("a sender that is not ours is refused from the inside, and passed on from the outside", async () => {
  const refused = await probe("--from", "x@world.example", "--to", clerk, "--side", "inside");
  assert.equal(refused.status, 1);
  assert.match(refused.out, /550 5\.7\.1 .*: From names no domain of ours/);
  const passed = await probe("--from", "x@world.example", "--to", "y@world.example");
  assert.match(passed.out, /^rule +out\.redirect$/m);
});

test("wrong use is 64, a file that is not there 69, a wrong configuration 78", async () => {
  for (const args of [
    [],
    ["--from", minister],
    ["--from", "x", "--to", clerk],
    ["--from", minister, "--to", clerk, "--side", "up"],
  ])
    assert.equal((await probe(...args)).status, 64, args.join(" "));
  assert.equal((await probe("--from", minister, "--to", clerk, "--message", "none.eml")).status, 69);
  const { status } = await runPostern([
    "probe",
    "--from",
    minister,
    "--to",
    clerk,
    "--config",
    community.directoryFile,
  ]);
  assert.equal(status, 78);
});
