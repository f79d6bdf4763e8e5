// One gateway between sinks that stand for the inside and the world, on real sockets, over LMTP so that each recipient
// has its answer: what leaves, what comes in, what is held.

import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, test } from "node:test";
import { address, clerk, fields, flipped, Lab, mail, minister, walk } from "../../test/gateway-lab.ts";
import type { Received } from "../../test/sink.ts";
import { collect, equalOctets, sourceOf } from "../bytes.ts";
import { corridor, type PassageReport, type Services } from "../gateway.ts";
import { describeReply, type MailParameters, reply } from "../smtp.ts";

const strangers = ["none", "suspended", "left"].map(
  (status) => `dn: cn=${status}
objectClass: posternMember
associatedDomain: ${status}.example
posternStatus: ${status === "none" ? "active" : status}
`,
);

const lab = await Lab.open({ entries: strangers.join("\n") });
after(() => lab.close());
const { users, world, reports } = lab;
for (const sink of [users, world])
  sink.answer = (path) => (path.startsWith("nobody@") ? reply(550, "5.1.1", "nobody") : reply(250, "2.0.0", "kept"));
const gateway = await lab.start();
const services = await lab.services();

test("each group has its own fate: protected, passed, kept inside, refused", async () => {
  const [out, inn] = [world.got.length, users.got.length];
  const to = [
    clerk,
    "a@stranger.example",
    "b@treasury.example",
    "c@none.example",
    "nobody@stranger.example",
    "d@suspended.example",
    "e@left.example",
  ];
  const message = mail(minister);
  const answers = await lab.hand("inside", { from: minister, to, message });
  assert.equal(answers, "250 2.0.0, 250 2.0.0, 250 2.0.0, 451 4.7.5, 550 5.1.1, 451 4.7.5, 250 2.0.0");
  assert.deepEqual(
    users.got.slice(inn).map(({ to }) => to),
    [["b@treasury.example"]],
  );
  const sent = new Map(world.got.slice(out).map((one) => [one.to.join(), one]));
  assert.deepEqual([...sent.keys()].sort(), ["a@stranger.example,e@left.example", clerk]);
  assert.match(sent.get(clerk)?.message ?? "", /^Received: .*authEnveloped-data/s);
  assert.ok(!sent.get(clerk)?.message.includes("text"));
  const passed = sent.get("a@stranger.example,e@left.example")?.message ?? "";
  const [received = ""] = fields(passed, "Received");
  assert.equal(passed, `${received}\r\n${message}`);
});

test("a member that is suspended gets nothing, whatever its certificates are good for", async () => {
  const suspended: Services["snapshot"] = () => ({
    ...services.snapshot(),
    find: (domain) => {
      const found = services.snapshot().find(domain);
      return found && { ...found, member: { ...found.member, status: "suspended" } };
    },
  });
  const before = world.got.length;
  const hand = { from: minister, to: [clerk], message: mail(minister) };
  assert.deepEqual(await walk({ ...services, snapshot: suspended }, "inside", hand), ["451 4.7.5"]);
  assert.equal(world.got.length, before);
});

test("A46: of what was sealed or opened nobody returns more than its header", async () => {
  const asked: MailParameters[] = [];
  const relay: Services["relay"] = async (_hop, { forwardPaths, parameters }) => {
    asked.push(parameters);
    return forwardPaths.map(() => reply(250, "2.0.0", "kept"));
  };
  const parameters = { ret: "FULL", envid: "QQ1" } as const;
  const here = { ...services, relay };
  await walk(here, "inside", { from: minister, to: [clerk], message: mail(minister), parameters });
  const message = await lab.fromParliament(mail(clerk));
  await walk(here, "outside", { from: clerk, to: [minister], message, parameters });
  assert.deepEqual(
    asked.map(({ ret, envid }) => [ret, envid?.split(".")[0]]),
    [
      ["HDRS", "QQ1"],
      ["HDRS", "POSTERN1"],
    ],
  );
});

test("mail from a member is opened, restored octet for octet, and the verdict stands on top", async () => {
  const original = mail(clerk, "Content-Type: text/plain;\r\n\tcharset=iso-8859-1", "List-Id: <x>").replace(
    "text\r\n",
    "\xfcber  \r\n.\r\n..",
  );
  assert.equal(
    await lab.hand("outside", { from: clerk, to: [minister], message: await lab.fromParliament(original) }),
    "250 2.0.0",
  );
  const { message } = users.got.at(-1) as Received;
  const [results = "", ...others] = fields(message, "Authentication-Results");
  assert.deepEqual(others, []);
  assert.equal(
    results.replace(/\s+/g, " "),
    'Authentication-Results: gw.treasury.example; smime=pass body.smime-part="1/1" body.smime-identifier=domain-signing-authority@parliament.example',
  );
  const { id } = reports.at(-1) as PassageReport;
  assert.deepEqual(fields(message, "Postern-Verdict"), [`Postern-Verdict: OK; domain=parliament.example; queue=${id}`]);
  // SMTP ends every message with a line.
  assert.ok(message.endsWith(`\r\n${original}\r\n`));
  assert.equal(fields(message, "Received").length, 1);
});

test("what claims to be ours and comes from outside is removed, and nothing else", async () => {
  const forged = [
    "Postern-Verdict: OK; domain=parliament.example",
    "POSTERN-verdict : OK",
    "Authentication-Results: gw.treasury.example; smime=pass",
    "authentication-results:\r\n\t(x) GW.Treasury.Example 1; smime=pass",
    'Authentication-Results: "gw.treasury.example"; smime=pass',
  ];
  const kept = ["Authentication-Results: mx.other.example; dkim=pass", "X-Verdict: OK"];
  for (const wrap of [async (text: string) => Buffer.from(text), (text: string) => lab.fromParliament(text)]) {
    const clean = mail(clerk, ...kept);
    const message = await wrap(clean.replace("Subject: x\r\n", `Subject: x\r\n${forged.join("\r\n")}\r\n`));
    assert.equal(await lab.hand("outside", { from: clerk, to: [minister], message }), "250 2.0.0");
    const delivered = (users.got.at(-1) as Received).message;
    assert.equal(fields(delivered, "Postern-Verdict *").length, 1);
    assert.equal(fields(delivered, "Authentication-Results").length, 2);
    assert.ok(delivered.endsWith(clean));
  }
});

for (const [name, message, verdict, result] of [
  ["plain mail", async () => Buffer.from(mail("x@stranger.example")), "UNPROTECTED", "none"],
  ["another domain's signature", () => lab.fromParliament(mail("x@stranger.example")), "SIGNER_MISMATCH", "policy"],
  [
    "a From that nobody can rely on",
    () => lab.fromParliament(mail("a@parliament.example, b@stranger.example")),
    "SIGNER_MISMATCH",
    "policy",
  ],
] as const) {
  test(`${name} is delivered and called ${verdict}`, async () => {
    assert.equal(await lab.hand("outside", { from: clerk, to: [minister], message: await message() }), "250 2.0.0");
    const delivered = (users.got.at(-1) as Received).message;
    assert.match(delivered, new RegExp(`^Postern-Verdict: ${verdict};`, "m"));
    assert.match(delivered, new RegExp(`smime=${result}(?=[ \\r])`));
  });
}

for (const [name, make, code] of [
  ["a ciphertext changed on the way", async () => flipped(await lab.fromParliament(mail(clerk)), 0.6), "BAD_CONTENT"],
  ["a truncated ciphertext", () => truncated(mail(clerk)), "MALFORMED"],
  ["a changed CBC ciphertext", async () => flipped(await lab.fromParliament(mail(clerk), "B"), 0.6), "BAD_CONTENT"],
  [
    "a CBC ciphertext signed by a stranger's domain",
    () => lab.fromParliament(mail("x@stranger.example"), "B"),
    "SIGNER_MISMATCH",
  ],
  [
    "a loop",
    async () => Buffer.from(`${"Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\r\n".repeat(51)}${mail(clerk)}`),
    "LOOP",
  ],
  [
    "a header that nobody can read whole",
    async () => Buffer.from(`X: ${"x".repeat(300_000)}\r\n${mail(clerk)}`),
    "LIMIT",
  ],
] as const) {
  test(`${name} is held as it came, and the outside hears what it always hears`, async () => {
    const before = users.got.length;
    const message = await make();
    const to = [minister, "b@treasury.example"];
    assert.equal(await lab.hand("outside", { from: clerk, to, message }), "250 2.0.0, 250 2.0.0");
    assert.equal(users.got.length, before);
    const held = (await services.store.holds.list()).filter(
      (one) => one.code === code && one.octets === message.length,
    );
    assert.deepEqual([...new Set(held.flatMap(({ forwardPaths }) => forwardPaths))], to);
    for (const { id } of held) assert.ok(equalOctets(await collect(services.store.holds.read(id)), message));
    assert.ok(reports.at(-1)?.recipients.every(({ status }) => status === "held"));
  });
}

async function truncated(text: string): Promise<Uint8Array> {
  const sealed = await lab.fromParliament(text);
  return Buffer.concat([sealed.subarray(0, -200), Buffer.from("\r\n")]);
}

test("an opened line that ends in LF alone is mended before it is handed on", async () => {
  const message = await lab.fromParliament(mail(clerk).replace("text", "a\n.\nMAIL FROM:<x@y.example>"));
  assert.equal(await lab.hand("outside", { from: clerk, to: [minister], message }), "250 2.0.0");
  assert.doesNotMatch(users.got.at(-1)?.message ?? "", /[^\r]\n|MAIL FROM/);
});

test("a refusal of opened mail is told to the domain that signed it, to nobody else, and then it is held", async () => {
  const to = ["nobody@treasury.example", minister];
  const heldBefore = (await services.store.holds.list()).length;
  const sealed = () => lab.fromParliament(mail(clerk));
  assert.equal(await lab.hand("outside", { from: clerk, to, message: await sealed() }), "550 5.1.1, 250 2.0.0");
  assert.equal(await lab.hand("outside", { from: clerk, to, message: mail(clerk) }), "550 5.1.1, 250 2.0.0");
  assert.equal((await services.store.holds.list()).length, heldBefore);
  const stranger = await lab.fromParliament(mail("x@stranger.example"));
  for (const { from, message } of [
    { from: "x@stranger.example", message: await sealed() },
    { from: undefined, message: await sealed() },
    { from: "x@stranger.example", message: stranger },
    { from: undefined, message: mail(clerk) },
  ]) {
    const replies = await lab.hand("outside", { ...(from === undefined ? {} : { from }), to, message });
    assert.equal(replies, "250 2.0.0, 250 2.0.0");
    const held = (await services.store.holds.list()).at(-1);
    assert.deepEqual(held?.forwardPaths, ["nobody@treasury.example"]);
    assert.match(held?.reason ?? "", /the next hop said 550 5\.1\.1 nobody/);
  }
  assert.equal((await services.store.holds.list()).length, heldBefore + 4);
});

test("the world hears the next hop's code and none of its words", async () => {
  const before = users.answer;
  users.answer = (path) =>
    path.startsWith("nobody") ? reply(550, "5.7.1", "said: secret") : reply(452, "4.2.2", "exch07.inner is full");
  const to = ["nobody@treasury.example", minister].map(address);
  for (const message of [Buffer.from(mail(clerk)), await lab.fromParliament(mail(clerk))]) {
    const envelope = { reversePath: address(clerk), forwardPaths: to, parameters: {} };
    const peer = { address: "127.0.0.1", helo: "hub.example", protocol: "LMTP" } as const;
    const replies = await corridor("outside", services)({ envelope, peer, message: sourceOf(message) });
    assert.deepEqual(replies.map(describeReply), [
      "550 5.7.1 Refused by the recipient's mail server",
      "452 4.2.2 Cannot be handled now, try again later",
    ]);
    assert.deepEqual(
      lab.reports.at(-1)?.recipients.map(({ said }) => said),
      ["550 5.7.1 said: secret", "452 4.2.2 exch07.inner is full"],
    );
  }
  users.answer = before;
});

test("mail in nobody's name of ours does not leave to a member; a bounce is never refused for good but held", async () => {
  const before = world.got.length;
  const message = mail("x@stranger.example");
  assert.equal(await lab.hand("inside", { from: "x@stranger.example", to: [clerk], message }), "550 5.7.1");
  assert.equal(await lab.hand("inside", { to: [clerk], message }), "250 2.0.0");
  assert.equal(reports.at(-1)?.recipients[0]?.status, "held");
  assert.equal(world.got.length, before);
});

test("what our user redirects to a member is not signed for its author, does not leave in clear, and does not wait", async () => {
  const [before, held] = [world.got.length, (await services.store.holds.list()).length];
  for (const from of [minister, "srs0=x=stranger.example=eve@treasury.example"]) {
    const message = mail("eve@stranger.example");
    assert.equal(await lab.hand("inside", { from, to: [clerk], message }), "550 5.7.1");
  }
  assert.equal(world.got.length, before);
  assert.equal((await services.store.holds.list()).length, held);
  const message = mail("eve@stranger.example");
  assert.equal(await lab.hand("inside", { from: minister, to: ["a@stranger.example"], message }), "250 2.0.0");
  assert.ok(world.got.at(-1)?.message.endsWith(message));
});

test("a bounce to a member is protected whichever way it came", async () => {
  for (const side of ["inside", "outside"] as const) {
    assert.equal(await lab.hand(side, { to: [clerk], message: mail("mailer-daemon@treasury.example") }), "250 2.0.0");
    const { from, message } = world.got.at(-1) as Received;
    assert.equal(from, "");
    assert.match(message, /authEnveloped-data/);
  }
});

test("mail that the world sends through us to the world is passed on untouched, never in our name", async () => {
  const message = mail(clerk);
  assert.equal(await lab.hand("outside", { from: clerk, to: ["y@parliament.example"], message }), "250 2.0.0");
  assert.ok((world.got.at(-1) as Received).message.endsWith(message));
});

test("a sender that goes away in the middle of a message sends nothing", async () => {
  const before = world.got.length;
  const { listening } = gateway;
  assert.ok("port" in listening.inside);
  const socket = createConnection(listening.inside);
  socket.end(
    `LHLO c\r\nMAIL FROM:<${minister}>\r\nRCPT TO:<${clerk}>\r\nRCPT TO:<a@stranger.example>\r\nDATA\r\n${mail(minister)}`,
  );
  await new Promise((resolve) => socket.on("close", resolve).resume());
  assert.equal(world.got.length, before);
});
