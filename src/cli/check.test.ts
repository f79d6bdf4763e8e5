// `postern check` with the real program against a running gateway between listeners that do what Postfix would do.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { runPostern } from "../../test/program.ts";
import { type Daemon, startDaemon } from "../../test/program-daemon.ts";
import { openSink, type Received, type Sink } from "../../test/sink.ts";
import { sourceOf } from "../bytes.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import { isPermanent, parseMailbox, RelayPool } from "../smtp.ts";
import { type Finding, statusOf } from "./finding.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-check-"));
const [hub, edgeIn, edgeOut] = [await openSink(), await openSink(), await openSink()];
const pool = new RelayPool("hub.example");
let daemon: Daemon | undefined;
after(async () => {
  await daemon?.stop();
  await pool.close();
  await Promise.all([hub, edgeIn, edgeOut].map((sink) => sink.close()));
  rmSync(folder, { recursive: true });
});
const community = await openCommunity(folder);
const own = "treasury.example";
const to = (sink: Sink) => `smtp://127.0.0.1:${sink.port}`;
const links = { relayInside: to(edgeIn), relayOutside: to(edgeOut), submit: to(hub) };
const config = configOf(community, links);

async function check(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["check", "--wait", "20", ...args, "--config", config]);
  return { status, out: stdout.toString(), said: stderr };
}

/** As Postfix hands mail to the gateway; what is refused for good goes back to its sender, through `bounce`. */
async function toGateway(mail: Received, bounce: (mail: Received) => void, listener: "inside" | "outside" = "inside") {
  const hop = { protocol: "lmtp", address: { host: "127.0.0.1", port: daemon?.[listener] ?? 0 } } as const;
  const forwardPaths = mail.to.flatMap((path) => parseMailbox(path) ?? []);
  const reversePath = parseMailbox(mail.from);
  const message = sourceOf(Buffer.from(mail.message, "latin1"));
  const [answer] = await pool.relay(hop, { reversePath, forwardPaths, parameters: {} }, message);
  if (answer !== undefined && isPermanent(answer)) bounce(bounceOf(mail));
}

function bounceOf({ from }: Received): Received {
  return { from: "", to: [from], message: `From: MAILER-DAEMON@${own}\r\nTo: ${from}\r\n\r\nIt did not go.\r\n` };
}
const isOwn = ({ to: [first = ""] }: Received) => first.endsWith(`@${own}`);

/** Everything goes to the gateway, as postfix-config has it. */
function wireWell(): void {
  const fromHub = (mail: Received) => void toGateway(mail, fromHub);
  hub.onMail = fromHub;
  edgeOut.onMail = (mail) => (isOwn(mail) ? fromHub(mail) : undefined);
  // Our users' server knows no such user.
  edgeIn.onMail = (mail) => fromHub(isOwn(mail) ? bounceOf(mail) : mail);
}

const lines = (out: string, level: string) => out.split("\n").filter((line) => line.startsWith(level));

test("before anything runs: each thing that is not there, what to do, exit 69", async () => {
  const { status, out } = await check();
  assert.equal(status, 69, out);
  assert.match(out, /^good +configuration +1 domain$/m);
  assert.match(out, /^good +keys +treasury\.example signing: RSA 2048, until \d{4}-\d\d-\d\d$/m);
  assert.match(out, /^FAULT +places +dataDir .*state is not there\n +-> start the gateway/m);
  assert.match(out, /^FAULT +gateway +none answers at .*gateway\.sock\n +-> start it: postern gateway$/m);
  assert.match(out, /^FAULT +probes +not sent$/m);
  assert.match(out, /\nNot ready: 3 faults.*\.\n$/);
});

test("a gateway in a chain that is right is ready, the bounces included", async () => {
  daemon = await startDaemon(config);
  wireWell();
  const { status, out } = await check();
  assert.equal(status, 0, `${out}${daemon.output()}`);
  assert.deepEqual(lines(out, "good").filter((line) => /probes/.test(line)).length, 5, out);
  assert.match(out, /^good +probes +a bounce of relay\.inside: came back$/m);
  assert.match(out, /\nReady.*\.\n$/);
  const { ready, findings } = JSON.parse((await check("--json")).out);
  assert.equal(ready, true);
  assert.ok(findings.every(({ level }: Finding) => level !== "fault"));
});

test("a hub that keeps its own bounces from the gateway is not ready", async () => {
  hub.onMail = (mail) => void toGateway(mail, () => undefined);
  const { status, out } = await check("--wait", "3");
  wireWell();
  assert.equal(status, 1, out);
  assert.match(
    out,
    /^FAULT +probes +a bounce of the hub: its bounce did not come back within 3 seconds\n +-> the hub must/m,
  );
});

test("an edge that sends bounces around the gateway is not ready", async () => {
  edgeIn.onMail = () => undefined;
  const { status, out } = await check("--wait", "3");
  wireWell();
  assert.equal(status, 1, out);
  assert.match(out, /^FAULT +probes +a bounce through relay\.inside: it did not come back within 3 seconds$/m);
  assert.match(out, /^FAULT +probes +a bounce of relay\.inside: its bounce did not come back/m);
});

test("a hub that delivers past the gateway is known by the bounce alone", async () => {
  hub.onMail = (mail) => void toGateway(isOwn(mail) ? mail : bounceOf(mail), () => undefined);
  const { status, out } = await check("--wait", "3");
  wireWell();
  assert.equal(status, 1, out);
  assert.match(out, /^FAULT +probes +through the hub: went around the gateway: only its bounce was seen$/m);
});

test("mail of ours that comes back by the outside listener is not ready", async () => {
  edgeIn.onMail = (mail) => void toGateway(isOwn(mail) ? bounceOf(mail) : mail, () => undefined, "outside");
  const { status, out } = await check("--wait", "3");
  wireWell();
  assert.equal(status, 1, out);
  assert.match(out, /a bounce through relay\.inside: came back by listen\.outside, where it is not taken for ours/);
});

test("--no-probes sends nothing and says how far it saw", async () => {
  const before = hub.got.length;
  const { status, out } = await check("--no-probes");
  assert.equal(status, 0, out);
  assert.equal(hub.got.length, before);
  assert.match(out, /\nReady.*, as far as can be seen without probes\.\n$/);
});

test("what is open to others and what is wrong in the directory are warnings with something to do", async () => {
  const key = keyFile(folder, own, "sign", "pem");
  chmodSync(key, 0o644);
  const whole = readFileSync(community.directoryFile, "utf8");
  writeFileSync(
    community.directoryFile,
    whole.replace(/(cn: parliament[\s\S]*?)userCertificate;binary::[\s\S]*\n(?=posternStatus)/, "$1"),
  );
  const { status, out } = await check("--no-probes");
  chmodSync(key, 0o600);
  writeFileSync(community.directoryFile, whole);
  assert.equal(status, 0, out);
  assert.match(
    out,
    /^WARNING +keys +treasury\.example signing: everybody on this machine can read .*\n +-> chmod o= /m,
  );
  assert.match(out, /^WARNING +directory +parliament\.example: no certificate that mail could be encrypted to/m);
});

test("keys that do not match, and a configuration that cannot be read, are 78", async () => {
  const file = readFileSync(config, "utf8");
  writeFileSync(config, file.replace("sign.crt", "encrypt.crt"));
  const mismatch = await check("--no-probes");
  writeFileSync(config, file.replace("hostname:", "hostnam:"));
  const unread = await check("--json");
  writeFileSync(config, file);
  assert.equal(mismatch.status, 78, mismatch.out);
  assert.match(mismatch.out, /^FAULT +keys +treasury\.example signing: .*is not the certificate of the key in/m);
  assert.equal(unread.status, 78);
  const said = JSON.parse(unread.out).findings.map(({ what }: Finding) => what);
  assert.match(said.join("\n"), /postern\.yaml:1:1: hostnam: unknown setting \(did you mean hostname\?\)/);
});

test("room for large mail that is too little for the cores of this machine is 78, for check and for the gateway", async () => {
  const file = readFileSync(config, "utf8");
  writeFileSync(config, `${file}limits: { spill: 299MiB }\n`);
  const checked = await check("--no-probes");
  const started = await runPostern(["gateway", "--config", config]);
  writeFileSync(config, file);
  assert.equal(checked.status, 78, checked.out);
  assert.match(
    checked.out,
    /^FAULT +configuration +limits\.spill: must be at least \d+MiB, 3 x messageSize for each of/m,
  );
  assert.equal(started.status, 78);
  assert.match(started.stderr, /limits\.spill: must be at least /);
});

test("a neighbour that is not there is 69, and named", async () => {
  const file = readFileSync(config, "utf8");
  writeFileSync(config, file.replace(links.relayOutside, "smtp://127.0.0.1:1"));
  const { status, out } = await check("--no-probes");
  writeFileSync(config, file);
  assert.equal(status, 69, out);
  assert.match(
    out,
    /^FAULT +links +relay\.outside smtp:\/\/127\.0\.0\.1:1 is not there: .*ECONNREFUSED.*\n +-> start the mail server there/m,
  );
});

test("a next hop that knows no DSN drops what senders ask for: a warning", async () => {
  const bare = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write("220 bare.example\r\n");
    socket.on("data", (said) => socket.write(/^EHLO/.test(`${said}`) ? "250-hi\r\n250 8BITMIME\r\n" : "250 ok\r\n"));
  });
  await new Promise<void>((resolve) => bare.listen(0, "127.0.0.1", resolve));
  const { port } = bare.address() as AddressInfo;
  const file = readFileSync(config, "utf8");
  writeFileSync(config, file.replace(links.relayOutside, `smtp://127.0.0.1:${port}`));
  const { status, out } = await check("--no-probes");
  writeFileSync(config, file);
  bare.close();
  assert.equal(status, 0, out);
  assert.match(
    out,
    /^WARNING +links +relay\.outside smtp:\S+ does not take DSN\n +-> what senders ask to hear \(NOTIFY, /m,
  );
  assert.doesNotMatch(out, /relay\.inside .* does not take DSN/);
});

test("a listener that speaks SMTP needs a way to report", async () => {
  const file = readFileSync(config, "utf8");
  const without = file.replace(/, submit: "[^"]*"/, "");
  writeFileSync(config, without.replace("inside: { lmtp:", "inside: { smtp:"));
  const { status, out } = await check("--no-probes");
  writeFileSync(config, without);
  const behindHub = await check("--no-probes");
  writeFileSync(config, file);
  assert.equal(status, 0, out);
  assert.match(out, /^WARNING +links +listen\.inside speaks SMTP and has no way to report\n +-> name relay\.submit: /m);
  assert.match(behindHub.out, /^WARNING +links +relay\.submit is missing$/m);
  assert.doesNotMatch(behindHub.out, /speaks SMTP/);
});

test("what is wrong in writing outweighs what is not there, and that the rest", () => {
  const finding = (status: number) => ({ area: "links", level: "fault", what: "", status }) as const;
  assert.equal(statusOf([finding(1), finding(69), finding(78), finding(69)]), 78);
  assert.equal(statusOf([finding(69), finding(1)]), 69);
  assert.equal(statusOf([{ area: "keys", level: "warning", what: "", todo: "" }]), 0);
});
