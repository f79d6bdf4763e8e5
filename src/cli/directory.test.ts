// Exchange by hand and the other ways into the directory, with the real program.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { authority, certify, type Order, type Party, rsaPair } from "../../test/mint.ts";
import { runPostern } from "../../test/program.ts";
import { openCommunity } from "../demo/community.ts";
import { openStore } from "../store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-directory-"));
after(() => rmSync(folder, { recursive: true }));
const community = await openCommunity(folder);
const config = configOf(community);
const members = community.directoryFile;

const hour = 3_600_000;
const dates = { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + 90 * 24 * hour) };
const ca = await authority("Partner CA", dates);

function partner(order: Order = {}, domain = "partner.example"): Promise<Party> {
  return certify(`Gate of ${domain}`, { issuer: ca, ...dates, ...order });
}
const signing = (domain: string) => ({
  keyUsage: ["digitalSignature"] as const,
  emails: [`domain-signing-authority@${domain}`],
});
const encryption = (domain: string) => ({
  keyUsage: ["keyAgreement"] as const,
  emails: [`domain-confidentiality-authority@${domain}`],
});
const sign = await partner(signing("partner.example"));
const encrypt = await partner(encryption("partner.example"));

function file(name: string, content: string | Uint8Array): string {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
}
function pem(...parties: readonly Party[]): string {
  const armoured = ({ certificate }: Party) =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate.octets).toString("base64")}\n-----END CERTIFICATE-----\n`;
  return parties.map(armoured).join("");
}
const both = file("partner.pem", pem(ca, sign, encrypt));

async function directory(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["directory", ...args, "--config", config]);
  return { status, out: stdout.toString(), said: stderr };
}
const add = (...args: readonly string[]) => directory("add", "--yes", ...args);

test("an entry made by hand is shown in words, written, believed and found", async () => {
  const before = readFileSync(members, "utf8");
  const added = await add("partner.example", "--cert", both, "--contact", "desk@partner.example");
  assert.equal(added.status, 0, added.said);
  assert.match(added.out, /A new entry for partner\.example in .*members\.ldif\n/);
  assert.match(added.out, /sha256 +[0-9a-f]{64}\n +words +\w+ \w+ \w+ \w+\n/);
  assert.match(added.out, /Written\. The gateway reads it by itself\./);
  assert.ok(readFileSync(members, "utf8").startsWith(before), "what stood there still does");
  const found = await directory("lookup", "partner.example");
  assert.equal(found.status, 0, found.said);
  assert.match(found.out, /pinned +2 certificates\n/);
  assert.match(found.out, /^good +encryption +until \d{4}-\d\d-\d\d +[0-9a-f]{16} +CN=Gate/m);
  assert.match(found.out, /^good +signing /m);
  const listed = await directory("list");
  assert.match(listed.out, /^DOMAIN +STATUS +ENCRYPT +SIGN +UNTIL +NOTES\n/);
  assert.match(listed.out, /^treasury\.example +active +1 +1 +\d{4}-\d\d-\d\d +ours$/m);
  assert.match(listed.out, /^partner\.example +active +1 +1 +\d{4}-\d\d-\d\d +pinned$/m);
  assert.deepEqual((await directory("verify")).out, "3 members, 0 faults\n");
});

test("an entry of the same name takes its place, and only its certificates count from then on", async () => {
  const next = await partner(encryption("partner.example"));
  const again = await add("partner.example", "--cert", file("next.der", next.certificate.octets), "--json");
  assert.equal(again.status, 0, again.said);
  const { written, certificates } = JSON.parse(again.out);
  assert.equal(written, true);
  assert.deepEqual(
    certificates.map(({ sha256, roles }: { sha256: string; roles: string[] }) => [sha256, roles]),
    [[next.certificate.sha256, ["encryption"]]],
  );
  const { out } = await directory("lookup", "partner.example", "--json");
  assert.deepEqual(JSON.parse(out).pins, [next.certificate.sha256]);
  assert.equal(readFileSync(members, "utf8").match(/^cn: partner\.example$/gm)?.length, 1);
});

test("where a gateway has run, who pinned what is in its audit", async () => {
  const dataDir = path.join(folder, "state");
  mkdirSync(dataDir);
  const options = {
    file: path.join(dataDir, "postern.db"),
    dataDir,
    onFault: (thrown: unknown) => assert.fail(String(thrown)),
  };
  await (await openStore(options)).close();
  const added = await add("partner.example", "--cert", both);
  const store = await openStore(options);
  const acts = await store.audit.list();
  await store.close();
  assert.equal(added.status, 0, added.said);
  const subject = ["partner.example", sign.certificate.sha256, encrypt.certificate.sha256].join(" ");
  assert.deepEqual(
    acts.map((entry) => [entry.act, entry.subject]),
    [["pinned", subject]],
  );
});

test("one entry serves a group of domains", async () => {
  const names = ["one.example", "two.example"];
  const emails = names.flatMap((name) => [...signing(name).emails, ...encryption(name).emails]);
  const shared = await partner({ keyUsage: ["digitalSignature", "keyAgreement"], emails });
  const added = await add(...names, "--cert", file("group.pem", pem(shared)), "--subdomains");
  assert.equal(added.status, 0, added.said);
  for (const name of [...names, "below.two.example"]) assert.equal((await directory("lookup", name)).status, 0, name);
  const taken = await add("two.example", "--cert", file("two.pem", pem(await partner(encryption("two.example")))));
  assert.equal(taken.status, 65);
  assert.match(taken.said, /two\.example has an entry already \(.*members\.ldif, line \d+: cn=one\.example/);
});

test("certificates of a mail that the other side signed", async () => {
  const [key, cert] = [path.join(folder, "sign.key"), file("sign.crt", pem(sign))];
  writeFileSync(key, sign.pair.privateKey.export({ format: "pem", type: "pkcs8" }));
  const letter = Buffer.from("From: desk@partner.example\r\nSubject: ours\r\n\r\nPlease compare.\r\n");
  const chain = ["--chain", file("chain.pem", pem(encrypt, ca))];
  const made = await runPostern(
    ["protect", "--no-encrypt", "--form", "detached", "--sign-key", key, "--sign-cert", cert, ...chain],
    letter,
  );
  assert.equal(made.status, 0, made.stderr);
  const added = await add("partner.example", "--json", "--cert", file("letter.eml", made.stdout));
  assert.equal(added.status, 0, added.said);
  assert.deepEqual(
    JSON.parse(added.out).certificates.map(({ sha256 }: { sha256: string }) => sha256),
    [sign.certificate.sha256, encrypt.certificate.sha256],
  );
  const bent = file("bent.eml", made.stdout.toString("latin1").replace("Please", "Pleese"));
  const refused = await add("partner.example", "--cert", bent);
  assert.equal(refused.status, 65);
  assert.match(refused.said, /bent\.eml: the mail's signature is not good: BAD_SIGNATURE/);
});

for (const [why, order, said] of [
  ["its time is over", { notAfter: new Date(Date.now() - hour / 2) }, /EXPIRED/],
  ["it may neither sign nor encrypt", { keyUsage: ["cRLSign"] }, /neither for signing nor for encryption/],
  ["its key is weak", { pair: rsaPair(1024), keyUsage: ["keyEncipherment"] }, /WEAK/],
  ["it is for signing only", signing("partner.example"), /none of the certificates is for encryption/],
  ["it names another domain", encryption("other.example"), /names none of these domains.*--force-named/],
] as const satisfies readonly (readonly [string, Order, RegExp])[]) {
  test(`a certificate is refused where ${why}, and nothing is written`, async () => {
    const before = readFileSync(members);
    const offered = await partner({ ...encryption("partner.example"), ...order });
    const refused = await add("partner.example", "--cert", file("refused.pem", pem(offered)));
    assert.equal(refused.status, 65, refused.out);
    assert.match(refused.said, said);
    assert.deepEqual(readFileSync(members), before);
  });
}

test("--force-named takes a certificate without a name, says so, and the entry works", async () => {
  const nameless = await partner({ keyUsage: ["digitalSignature", "keyAgreement"] });
  const added = await add("nameless.example", "--force-named", "--cert", file("nameless.pem", pem(nameless)));
  assert.equal(added.status, 0, added.said);
  assert.match(added.out, /WARNING: --force-named/);
  const found = await directory("lookup", "nameless.example");
  assert.equal(found.status, 0, found.out);
  assert.match(found.out, /signs as +manual/);
});

test("without --yes and without anybody to ask nothing is written", async () => {
  const before = readFileSync(members);
  const asked = await directory("add", "asked.example", "--force-named", "--cert", both);
  assert.equal(asked.status, 64);
  assert.match(asked.said, /add --yes once you are sure/);
  assert.deepEqual(readFileSync(members), before);
});

test("a file that the configuration does not name is written with --file, and that is said", async () => {
  const own = path.join(folder, "elsewhere.ldif");
  const added = await add("partner.test", "--file", own, "--force-named", "--cert", both);
  assert.equal(added.status, 0, added.said);
  assert.match(added.out, /No gateway reads this file until directory\.sources/);
  assert.match(readFileSync(own, "utf8"), /^version: 1\n\ndn: cn=partner\.test,ou=members,o=see\n/);
});

test("our own domain, no domain, no certificate, an unknown verb are wrong use", async () => {
  for (const args of [
    ["add", "treasury.example", "--cert", both],
    ["add", "nodomain", "--cert", both],
    ["add", "partner.example"],
    ["find", "x"],
    [],
  ])
    assert.equal((await directory(...args)).status, 64, args.join(" "));
});

test("import takes entries and leaves out who compared them; export gives them back", async () => {
  const other = path.join(folder, "other");
  mkdirSync(other);
  const theirs = await openCommunity(other);
  const text = readFileSync(theirs.directoryFile, "utf8").replaceAll("parliament.example", "harbour.example");
  const [, , harbour = ""] = text.split("\n\n");
  const pinned = `${harbour.trimEnd()}\nposternPin: ${"ab".repeat(32)}\n`;
  const offered = file("offered.ldif", `version: 1\n\n${pinned}`);
  const taken = await directory("import", offered, "--yes");
  assert.equal(taken.status, 0, taken.said);
  assert.match(taken.out, /1 entry said to be compared by hand: not believed/);
  const found = await directory("lookup", "harbour.example", "--json");
  assert.deepEqual([found.status, JSON.parse(found.out).pins], [1, []]);
  const verified = await directory("verify");
  assert.equal(verified.status, 1);
  assert.match(verified.out, /^harbour\.example +no certificate that mail could be encrypted to \(/m);
  const exported = await directory("export", "--ldif");
  assert.match(exported.out, /\nobjectClass: posternMember\ncn: harbour\.example\n/);
  const broken = await directory("import", file("broken.ldif", "version: 1\n\ndn: cn=x\nno colon\n"), "--yes");
  assert.equal(broken.status, 65);
  assert.match(broken.said, /broken\.ldif: line 4/);
  const twice = file("twice.ldif", "version: 1\n\ndn: cn=twice\nassociatedDomain: parliament.example\n");
  const clash = await directory("import", twice, "--yes");
  assert.equal(clash.status, 65);
  assert.match(clash.said, /parliament\.example has an entry already/);
});
