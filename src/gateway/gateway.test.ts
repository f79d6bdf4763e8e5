// One gateway between sinks that stand for the inside and the world, on real sockets, over LMTP so that each recipient
// has its answer.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { collect, sourceOf } from "../bytes.ts";
import { parseConfig } from "../config.ts";
import { privateKeyOf } from "../crypto.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import { type PassageReport, startGateway } from "../gateway.ts";
import { loadKey } from "../keystore.ts";
import { cipherFor, type ProfileName, protect, recipientFor, signatureFor } from "../smime.ts";
import { defaultLimits, listen, type MailServer, parseMailbox, RelayPool, type Reply, reply, smtp } from "../smtp.ts";

const folder = await mkdtemp(path.join(tmpdir(), "postern-test-"));
const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const community = await openCommunity(folder);
const members = path.join(folder, "all-members.ldif");
const strangers = ["none", "suspended", "left"].map(
  (status) => `dn: cn=${status}
objectClass: posternMember
associatedDomain: ${status}.example
posternStatus: ${status === "none" ? "active" : status}
`,
);
await writeFile(members, [await readFile(community.directoryFile, "utf8"), ...strangers].join("\n"));

type Got = { readonly from: string | undefined; readonly to: readonly string[]; readonly message: string };

async function sink(): Promise<{ server: MailServer; port: number; got: Got[] }> {
  const got: Got[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "sink.example",
      postmaster: { localPart: "postmaster", domain: "sink.example" },
      limits: defaultLimits,
      onFault: () => undefined,
      judgeRecipient: ({ localPart }) => (localPart === "nobody" ? reply(550, "5.1.1", "nobody") : undefined),
      handle: async ({ envelope, message }) => {
        const octets = Buffer.from(await collect(message)).toString("latin1");
        got.push({
          from: envelope.reversePath && `${envelope.reversePath.localPart}@${envelope.reversePath.domain}`,
          to: envelope.forwardPaths.map(({ localPart, domain }) => `${localPart}@${domain}`),
          message: octets,
        });
        return envelope.forwardPaths.map(() => reply(250, "2.0.0", "kept"));
      },
    },
  );
  closing.push(() => server.close());
  assert.ok("port" in server.address);
  return { server, port: server.address.port, got };
}

const reports: PassageReport[] = [];

async function gatewayOf(domain: string, inside: number, outside: number, protocol: "lmtp" | "smtp" = "lmtp") {
  const pair = (role: "sign" | "encrypt") =>
    `{ key: ${keyFile(folder, domain, role, "pem")}, certificate: ${keyFile(folder, domain, role, "crt")} }`;
  const text = `
hostname: gw.${domain}
dataDir: ${path.join(folder, `state-${domain}`)}
postmaster: postmaster@${domain}
trust: { anchors: [${community.rootFile}] }
domains: [{ name: ${domain}, signing: ${pair("sign")}, encryption: [${pair("encrypt")}] }]
listen: { inside: { ${protocol}: "127.0.0.1:0" }, outside: { ${protocol}: "127.0.0.1:0" } }
relay: { inside: "smtp://127.0.0.1:${inside}", outside: "smtp://127.0.0.1:${outside}" }
directory: { sources: [{ ldif: ${members} }] }
`;
  const gateway = await startGateway(parseConfig(text, path.join(folder, "c.yaml")), {
    report: (report) => reports.push(report),
    onFault: () => undefined,
  });
  closing.push(() => gateway.close());
  return gateway;
}

const client = new RelayPool("hub.example");
closing.push(() => client.close());
const users = await sink();
const world = await sink();
const gateway = await gatewayOf("treasury.example", users.port, world.port);

type Hand = { readonly from?: string; readonly to: readonly string[]; readonly message: string | Uint8Array };

async function hand(side: "inside" | "outside", { from, to, message }: Hand): Promise<string> {
  const envelope = {
    reversePath: from === undefined ? undefined : parseMailbox(from),
    forwardPaths: to.map((address) => parseMailbox(address) as NonNullable<ReturnType<typeof parseMailbox>>),
    parameters: {},
  };
  const octets = typeof message === "string" ? Buffer.from(message, "latin1") : message;
  const replies = await client.relay(
    { protocol: "lmtp", address: gateway.listening[side] },
    envelope,
    sourceOf(octets),
  );
  return replies.map(({ code, enhancedStatus }: Reply) => `${code} ${enhancedStatus}`).join(", ");
}

const minister = "minister@treasury.example";
const clerk = "clerk@parliament.example";
const mail = (from: string, ...more: readonly string[]) =>
  [`From: ${from}`, "Subject: x", ...more, "", "text", ""].join("\r\n");
const fields = (message: string, name: string) =>
  [...message.matchAll(new RegExp(`^${name}:.*(?:\\r\\n[ \\t].*)*`, "gim"))].map(([field]) => field);

/** What parliament's gateway would send. */
async function fromParliament(message: string, profile: ProfileName = "M"): Promise<Uint8Array> {
  const load = (domain: string, role: "sign" | "encrypt") =>
    loadKey({ key: keyFile(folder, domain, role, "pem"), certificate: keyFile(folder, domain, role, "crt") });
  const signer = await load("parliament.example", "sign");
  const { certificate: recipient } = await load("treasury.example", "encrypt");
  assert.ok(signer.certificate !== undefined && recipient !== undefined);
  const { certificate } = signer;
  return collect(
    protect(sourceOf(Buffer.from(message, "latin1")), {
      signers: [
        {
          key: privateKeyOf(signer.privateKey, certificate.publicKey),
          certificate,
          scheme: signatureFor(profile, certificate),
          signingTime: new Date(),
        },
      ],
      chain: [],
      recipients: [recipientFor(recipient, profile)],
      cipher: cipherFor(profile),
      form: "opaque",
      innerEncoding: "base64",
      ber: false,
    }),
  );
}

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
  const answers = await hand("inside", { from: minister, to, message: mail(minister) });
  assert.equal(answers, "250 2.0.0, 250 2.0.0, 250 2.0.0, 451 4.7.5, 550 5.1.1, 451 4.7.5, 250 2.0.0");
  assert.deepEqual(
    users.got.slice(inn).map(({ to }) => to),
    [["b@treasury.example"]],
  );
  const sent = new Map(world.got.slice(out).map((one) => [one.to.join(), one]));
  assert.deepEqual([...sent.keys()].sort(), ["a@stranger.example", clerk, "e@left.example"]);
  assert.match(sent.get(clerk)?.message ?? "", /^Received: .*authEnveloped-data/s);
  assert.ok(!sent.get(clerk)?.message.includes("text"));
  const passed = sent.get("a@stranger.example")?.message ?? "";
  const [received = ""] = fields(passed, "Received");
  assert.equal(passed, `${received}\r\n${mail(minister)}`);
});

test("mail from a member is opened, restored octet for octet, and the verdict stands on top", async () => {
  const original = mail(clerk, "Content-Type: text/plain;\r\n\tcharset=iso-8859-1", "List-Id: <x>").replace(
    "text\r\n",
    "\xfcber  \r\n.\r\n..",
  );
  assert.equal(
    await hand("outside", { from: clerk, to: [minister], message: await fromParliament(original) }),
    "250 2.0.0",
  );
  const { message } = users.got.at(-1) as Got;
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
  for (const wrap of [async (text: string) => Buffer.from(text), fromParliament]) {
    const message = await wrap(mail(clerk, ...forged, ...kept));
    assert.equal(await hand("outside", { from: clerk, to: [minister], message }), "250 2.0.0");
    const delivered = (users.got.at(-1) as Got).message;
    assert.equal(fields(delivered, "Postern-Verdict *").length, 1);
    assert.equal(fields(delivered, "Authentication-Results").length, 2);
    assert.ok(delivered.endsWith(mail(clerk, ...kept)));
  }
});

for (const [name, message, verdict, result] of [
  ["plain mail", async () => Buffer.from(mail("x@stranger.example")), "UNPROTECTED", "none"],
  ["another domain's signature", () => fromParliament(mail("x@stranger.example")), "SIGNER_MISMATCH", "policy"],
  [
    "a From that nobody can rely on",
    () => fromParliament(mail("a@parliament.example, b@stranger.example")),
    "SIGNER_MISMATCH",
    "policy",
  ],
] as const) {
  test(`${name} is delivered and called ${verdict}`, async () => {
    assert.equal(await hand("outside", { from: clerk, to: [minister], message: await message() }), "250 2.0.0");
    const delivered = (users.got.at(-1) as Got).message;
    assert.match(delivered, new RegExp(`^Postern-Verdict: ${verdict};`, "m"));
    assert.match(delivered, new RegExp(`smime=${result}(?=[ \\r])`));
  });
}

for (const [name, make] of [
  ["a ciphertext changed on the way", async () => flipped(await fromParliament(mail(clerk)), 0.6)],
  ["a truncated ciphertext", async () => Buffer.from(await fromParliament(mail(clerk))).subarray(0, -200)],
  ["a CBC ciphertext changed on the way", async () => flipped(await fromParliament(mail(clerk), "B"), 0.6)],
  ["a CBC ciphertext signed by a stranger's domain", () => fromParliament(mail("x@stranger.example"), "B")],
  [
    "an opened line that ends in LF alone",
    () => fromParliament(mail(clerk).replace("text", "a\n.\nMAIL FROM:<x@y.example>")),
  ],
  [
    "a loop",
    async () => Buffer.from(`${"Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\r\n".repeat(51)}${mail(clerk)}`),
  ],
] as const) {
  test(`${name} is not delivered, and the outside only hears 451 4.3.0`, async () => {
    const before = users.got.length;
    const answer = await hand("outside", { from: clerk, to: [minister, "b@treasury.example"], message: await make() });
    assert.equal(answer, "451 4.3.0, 451 4.3.0");
    assert.equal(users.got.length, before);
  });
}

function flipped(message: Uint8Array, share: number): Uint8Array {
  const octets = Buffer.from(message);
  let at = Math.floor(octets.length * share);
  while (octets[at] === 0x0d || octets[at] === 0x0a) at += 1;
  octets[at] = octets[at] === 0x41 ? 0x42 : 0x41;
  return octets;
}

test("a refusal of opened mail is told to the domain that signed it, and to nobody else", async () => {
  const to = ["nobody@treasury.example", minister];
  const message = await fromParliament(mail(clerk));
  assert.equal(await hand("outside", { from: clerk, to, message }), "550 5.1.1, 250 2.0.0");
  assert.equal(await hand("outside", { from: "x@stranger.example", to, message }), "451 4.3.0, 250 2.0.0");
  assert.equal(await hand("outside", { to, message }), "451 4.3.0, 250 2.0.0");
  const stranger = await fromParliament(mail("x@stranger.example"));
  assert.equal(await hand("outside", { from: "x@stranger.example", to, message: stranger }), "451 4.3.0, 250 2.0.0");
  assert.equal(await hand("outside", { from: clerk, to, message: mail(clerk) }), "550 5.1.1, 250 2.0.0");
  assert.equal(await hand("outside", { to, message: mail(clerk) }), "451 4.3.0, 250 2.0.0");
});

test("mail in nobody's name of ours does not leave to a member, and a bounce is never refused for good", async () => {
  const before = world.got.length;
  const message = mail("x@stranger.example");
  assert.equal(await hand("inside", { from: "x@stranger.example", to: [clerk], message }), "550 5.7.1");
  assert.equal(await hand("inside", { to: [clerk], message }), "451 4.7.0");
  assert.equal(world.got.length, before);
});

test("a bounce to a member is protected whichever way it came", async () => {
  for (const side of ["inside", "outside"] as const) {
    assert.equal(await hand(side, { to: [clerk], message: mail("mailer-daemon@treasury.example") }), "250 2.0.0");
    const { from, message } = world.got.at(-1) as Got;
    assert.equal(from, undefined);
    assert.match(message, /authEnveloped-data/);
  }
});

test("mail that the world sends through us to the world is passed on untouched, never in our name", async () => {
  assert.equal(await hand("outside", { from: clerk, to: ["y@parliament.example"], message: mail(clerk) }), "250 2.0.0");
  assert.ok((world.got.at(-1) as Got).message.endsWith(mail(clerk)));
});

test("in proxy mode strangers cannot relay through us", async () => {
  const proxy = await gatewayOf("parliament.example", users.port, world.port, "smtp");
  const envelope = { reversePath: undefined, parameters: {} };
  const paths = (address: string) => [parseMailbox(address) as NonNullable<ReturnType<typeof parseMailbox>>];
  const offer = (address: string) =>
    client.relay(
      { protocol: "smtp", address: proxy.listening.outside },
      { ...envelope, forwardPaths: paths(address) },
      sourceOf(Buffer.from(mail(clerk))),
    );
  assert.deepEqual(
    (await offer("x@stranger.example")).map(({ code }) => code),
    [550],
  );
  assert.deepEqual(
    (await offer(clerk)).map(({ code }) => code),
    [250],
  );
});

test("when the next hop is gone the sender keeps the mail", async () => {
  const gone = await sink();
  await gone.server.close();
  const lonely = await gatewayOf("treasury.example", gone.port, gone.port);
  const envelope = {
    reversePath: parseMailbox(minister),
    forwardPaths: [parseMailbox(clerk) as NonNullable<ReturnType<typeof parseMailbox>>],
    parameters: {},
  };
  const replies = await client.relay(
    { protocol: "lmtp", address: lonely.listening.inside },
    envelope,
    sourceOf(Buffer.from(mail(minister))),
  );
  assert.deepEqual(
    replies.map(({ code, enhancedStatus }) => [code, enhancedStatus]),
    [[451, "4.4.1"]],
  );
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
