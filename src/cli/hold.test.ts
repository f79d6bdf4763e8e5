// Held mail looked at and settled with the real program, real keys and real next hops.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { runPostern } from "../../test/program.ts";
import { openSink } from "../../test/sink.ts";
import { sourceOf } from "../bytes.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import { reply } from "../smtp.ts";
import { type HeldMail, openStore } from "../store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-hold-"));
const [inside, submit] = [await openSink(), await openSink()];
after(async () => {
  await Promise.all([inside.close(), submit.close()]);
  rmSync(folder, { recursive: true });
});
const config = configOf(await openCommunity(folder), {
  relayInside: `smtp://127.0.0.1:${inside.port}`,
  submit: `smtp://127.0.0.1:${submit.port}`,
});
const dataDir = path.join(folder, "state");
const [minister, clerk] = ["minister@treasury.example", "clerk@parliament.example"];

async function hold(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["hold", ...args, "--config", config]);
  return { status, out: stdout.toString("latin1"), said: stderr };
}

const letter = `From: ${clerk}\r\nMessage-ID: <one@parliament.example>\r\nSubject: for you\r\n\r\nA word.\r\n`;

async function protectedLetter(): Promise<Buffer> {
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
    Buffer.from(letter),
  );
  assert.equal(made.status, 0, made.stderr);
  return made.stdout;
}

async function withStore<Result>(
  body: (store: Awaited<ReturnType<typeof openStore>>) => Promise<Result>,
): Promise<Result> {
  const store = await openStore({
    file: path.join(dataDir, "postern.db"),
    dataDir,
    onFault: (thrown) => assert.fail(String(thrown)),
  });
  try {
    return await body(store);
  } finally {
    await store.close();
  }
}

let keys = 0;
function keep(id: string, octets: Buffer, changes: Partial<HeldMail> = {}): Promise<string> {
  keys += 1;
  const mail: Omit<HeldMail, "state"> = {
    ...{ id, at: new Date(), side: "outside" as const, reversePath: clerk, forwardPaths: [minister], parameters: {} },
    ...{ domain: "treasury.example", code: "EXPIRED", reason: "it ended", messageId: "<one@parliament.example>" },
    ...{ octets: octets.length, digest: hash("sha256", octets) },
    ...changes,
  };
  return withStore(({ holds }) => holds.hold(Buffer.alloc(32, keys), mail, sourceOf(octets)));
}

test("without a store nothing can be held; a gateway that held nothing says so", async () => {
  const none = await hold("list");
  assert.equal(none.status, 69);
  await withStore(async () => undefined);
  assert.deepEqual([(await hold("list")).out, (await hold("list", "--json")).out], ["Nothing is held.\n", ""]);
});

test("what is held is listed, shown with what can be done, and given out as it came", async () => {
  const octets = await protectedLetter();
  await keep("Aa1", octets);
  const listed = await hold("list");
  assert.match(
    listed.out,
    /^ID +SINCE \(UTC\) +WAY +CODE +SIZE +FROM AND TO\nAa1 +\S+ \S+ +inbound +EXPIRED +\d+ B +<clerk@/,
  );
  const shown = await hold("show", "Aa1");
  assert.match(shown.out, /^code +EXPIRED\nreason +it ended$/m);
  assert.match(shown.out, /Ask the other side for a new one, then release\./);
  assert.match(shown.out, /^postern hold release --unopened Aa1 /m);
  assert.equal((await hold("show", "Aa1", "--raw")).out, octets.toString("latin1"));
  assert.equal(JSON.parse((await hold("show", "Aa1", "--json")).out).digest, hash("sha256", octets));
});

test("release judges anew and delivers what was opened; then it is gone and the act written down", async () => {
  const released = await hold("release", "Aa1");
  assert.equal(released.status, 0, released.said);
  assert.match(released.out, /^Aa1 +released\n +<minister@treasury\.example> +250 /);
  const [mail] = inside.got.slice(-1);
  assert.deepEqual([mail?.from, mail?.to], [clerk, [minister]]);
  assert.match(mail?.message ?? "", /^Postern-Verdict: OK;[\s\S]*\r\n\r\nA word\.\r\n$/m);
  assert.deepEqual(readdirSync(path.join(dataDir, "hold")), []);
  assert.equal((await hold("list")).out, "Nothing is held.\n");
  assert.match((await hold("list", "--all")).out, /^Aa1 .* released /m);
  const again = await hold("release", "Aa1");
  assert.deepEqual([again.status, again.said], [65, "postern hold: Aa1: was released already\n"]);
  const acts = await withStore(({ audit }) => audit.list());
  assert.deepEqual(
    acts.map(({ act, subject }) => [act, subject]),
    [["released", "Aa1"]],
  );
});

test("what is still wrong stays held, what the next hop puts off too, each with its status", async () => {
  const octets = await protectedLetter();
  const bent = Buffer.from(octets.toString("latin1").replace(/.{4}(?=\r\n$|\r\n\r\n$)/, "AAAA"), "latin1");
  assert.notDeepEqual(bent, octets);
  await keep("Bb1", bent, { code: "BAD_CONTENT" });
  const wrong = await hold("release", "Bb1");
  assert.equal(wrong.status, 75, wrong.out);
  assert.match(wrong.out, /^Bb1 +still held\n +<minister@treasury\.example> +451 4\.7\.0 Still to be held: /);
  await keep("Bb2", octets);
  inside.answer = () => reply(452, "4.2.2", "full");
  const later = await hold("release", "Bb2");
  inside.answer = () => reply(250, "2.0.0", "kept");
  assert.equal(later.status, 75, later.out);
  assert.match(later.out, /^Bb2 +still held/);
});

test("--unopened hands the original to our users, after a question, and never to the world", async () => {
  const asked = await hold("release", "--unopened", "Bb1");
  assert.equal(asked.status, 64);
  const original = (await hold("show", "--raw", "Bb1")).out;
  const released = await hold("release", "--unopened", "--yes", "Bb1");
  assert.equal(released.status, 0, released.said);
  assert.equal(inside.got.at(-1)?.message, original);
  const acts = await withStore(({ audit }) => audit.list());
  assert.match(acts.at(-1)?.by ?? "", /, unopened$/);
  await keep("Cc1", Buffer.from(`From: ${minister}\r\n\r\nsecret\r\n`), {
    side: "inside",
    reversePath: minister,
    forwardPaths: [clerk],
  });
  const refused = await hold("release", "--unopened", "--yes", "Cc1");
  assert.equal(refused.status, 65);
  assert.match(refused.said, /Cc1: is for the world, where mail must not go without protection/);
});

test("what claims to be ours is off what goes inside unopened, and no line end stands alone", async () => {
  const claims =
    "Postern-Verdict: OK; domain=parliament.example\r\nAuthentication-Results: gw.treasury.example; smime=pass\r\n";
  await keep("Bb3", Buffer.from(`${claims}From: ${clerk}\r\nSubject: for you\r\n\r\nA\nword.\r\n`));
  const released = await hold("release", "--unopened", "--yes", "Bb3");
  assert.equal(released.status, 0, released.said);
  const message = inside.got.at(-1)?.message ?? "";
  assert.match(message, /^Subject: for you\r$/m);
  assert.doesNotMatch(message, /verdict|smime=/i);
  assert.doesNotMatch(message, /[^\r]\n/);
});

test("return tells our own sender, with nothing of the text; an outsider and a bounce are told nothing", async () => {
  const returned = await hold("return", "Cc1", "--yes", "--reason", "The other house has moved");
  assert.equal(returned.status, 0, returned.said);
  const [report] = submit.got.slice(-1);
  assert.deepEqual([report?.from, report?.to], ["", [minister]]);
  assert.match(report?.message ?? "", /^Final-Recipient: rfc822; ?clerk@parliament\.example\r$/m);
  assert.match(report?.message ?? "", /The other house has moved/);
  assert.doesNotMatch(report?.message ?? "", /secret/);
  await keep("Dd1", Buffer.from("From: x\r\n\r\nx\r\n"), { side: "inside", reversePath: "" });
  for (const [id, said] of [
    ["Bb2", /no outsider learns what became of it/],
    ["Dd1", /is a bounce, and nobody is to be told/],
  ] as const) {
    const refused = await hold("return", "--yes", id);
    assert.equal(refused.status, 65);
    assert.match(refused.said, said);
  }
});

test("return reports to nobody who wanted to hear nothing", async () => {
  const octets = Buffer.from(`From: ${minister}\r\nMessage-ID: <n@treasury.example>\r\n\r\nA word.\r\n`);
  const outbound = { side: "inside" as const, reversePath: minister, forwardPaths: [clerk, "list@parliament.example"] };
  const never = { notify: "NEVER" };
  await keep("Ee1", octets, {
    ...outbound,
    parameters: { envid: "QQ1", ret: "HDRS" },
    dsn: [never, { notify: ["FAILURE"], orcpt: { type: "rfc822", address: "alias@treasury.example" } }],
  });
  await keep("Ee2", octets, { ...outbound, dsn: [never, { notify: ["SUCCESS"] }] });
  const before = submit.got.length;
  const returned = await hold("return", "Ee1", "Ee2", "--yes");
  assert.equal(returned.status, 0, returned.said);
  assert.match(returned.out, /^Ee2 +returned +its sender wants to hear nothing/m);
  const [report, ...others] = submit.got.slice(before);
  assert.deepEqual([report?.to, others], [[minister], []]);
  assert.match(report?.message ?? "", /^Original-Envelope-Id: QQ1\r$/m);
  assert.match(report?.message ?? "", /^Original-Recipient: rfc822; ?alias@treasury\.example\r$/m);
  assert.match(report?.message ?? "", /^Final-Recipient: rfc822; ?list@parliament\.example\r$/m);
  assert.doesNotMatch(report?.message ?? "", /clerk@/);
});

test("drop removes for good, after a question; ids that are none are 65, wrong use 64", async () => {
  assert.equal((await hold("drop", "Bb2", "Dd1")).status, 64);
  const dropped = await hold("drop", "--yes", "Bb2", "Dd1");
  assert.deepEqual([dropped.status, dropped.out], [0, "Dropped: Bb2, Dd1\n"]);
  assert.deepEqual(readdirSync(path.join(dataDir, "hold")), []);
  for (const verb of ["show", "release", "drop", "return"])
    assert.equal((await hold(verb, "Zz9", "--yes")).status, 65, verb);
  for (const args of [[], ["show"], ["loose", "Aa1"]]) assert.equal((await hold(...args)).status, 64, args.join());
});
