import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

const program = path.resolve(import.meta.dirname, "../main.ts");
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill();
});

type Run = { readonly child: ChildProcess; readonly ended: Promise<number | null>; output(): string };

function demo(...args: readonly string[]): Run {
  const child = spawn(process.execPath, [program, "demo", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  void ended.then(() => running.delete(child));
  return { child, ended, output: () => output };
}

async function until(condition: () => boolean | undefined): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1000) assert.fail("it did not come to that within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const text = "no more than 42 million";

test("the first mails are through within 10 seconds, and all is told", async () => {
  const started = performance.now();
  const { ended, output } = demo("--once");
  assert.equal(await ended, 0);
  assert.ok(performance.now() - started < 10_000);
  assert.equal(output().match(/as sent, byte for byte/g)?.length, 6);
  assert.match(output(), /signed rsa-pss-sha256, sealed aes256-gcm for parliament\.example/);
  assert.match(output(), /from its users smtp 127\.0\.0\.1:\d{5}/);
});

/** Listens between the gateways. `change` sees the whole protected message of each transaction. */
async function listenOnLine(change: (message: Buffer) => Buffer) {
  const heard: Buffer[] = [];
  let run: Run | undefined;
  const lineAt = (): string | undefined =>
    /from treasury\.example +127\.0\.0\.1:(\d+) to the other/.exec(run?.output() ?? "")?.[1];
  const server = createServer(async (from) => {
    await until(() => lineAt() !== undefined);
    const to = createConnection(Number(lineAt()), "127.0.0.1");
    to.pipe(from);
    let pending: Buffer = Buffer.alloc(0);
    let isMessage = false;
    from.on("data", (octets: Buffer) => {
      pending = Buffer.concat([pending, octets]);
      if (isMessage && !pending.includes("\r\n.\r\n")) return;
      heard.push(pending);
      to.write(isMessage ? change(pending) : pending);
      isMessage = !isMessage && pending.includes("DATA\r\n");
      pending = Buffer.alloc(0);
    });
    from.on("close", () => to.end());
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  run = demo("--once", "--link-proxy", `127.0.0.1:${address.port}`);
  const status = await run.ended;
  server.close();
  return { status, output: run.output(), heard: Buffer.concat(heard) };
}

test("on the line there is CMS and no word of the text, plain or in base64", async () => {
  const { status, output, heard } = await listenOnLine((message) => message);
  assert.equal(status, 0, output);
  assert.ok(heard.includes("Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data"));
  // id-ct-authEnvelopedData begins the object: DER of a SEQUENCE with its OID, in base64.
  const body = heard.toString("latin1").split("filename=smime.p7m\r\n\r\n")[1] ?? "";
  const object = Buffer.from(body.slice(0, body.indexOf("\r\n.\r\n")), "base64");
  assert.equal(object.subarray(4, 17).toString("hex"), "060b2a864886f70d0109100117");
  assert.ok(!heard.includes(text) && !object.includes(text));
  assert.ok(!Buffer.from(heard.toString("latin1").replaceAll("\r\n", ""), "base64").includes(text));
});

for (const share of [0.05, 0.4, 0.7, 0.999]) {
  test(`an octet changed at ${share} of the CMS object makes the demo end with 1`, async () => {
    let changed = 0;
    const { status, output } = await listenOnLine((message) => {
      const start = message.indexOf("filename=smime.p7m\r\n\r\n") + 22;
      const end = message.indexOf("\r\n.\r\n");
      let at = start + Math.floor((end - start - 8) * share);
      while (!/[A-Za-z0-9]/.test(String.fromCharCode(message[at] as number))) at -= 1;
      message[at] = message[at] === 0x41 ? 0x42 : 0x41;
      changed += 1;
      return message;
    });
    assert.ok(changed > 0, output);
    assert.equal(status, 1, output);
    assert.match(output, /NOT AS IT MUST *nothing arrived for clerk@parliament\.example/);
  });
}

for (const { play, tells } of [
  {
    play: "tamper",
    tells: /BAD_CONTENT.*nothing was delivered, and nothing is lost.*Sent again.*as sent, byte for byte/s,
  },
  {
    play: "expire",
    tells:
      /waits: no certificate of parliament\.example can be used \(expired [^;()]*\).*told 451 4\.7\.5.*nothing left, sealed or in clear.*it tries again.*as sent, byte for byte/s,
  },
  { play: "swap-keys", tells: /sealed to +\w{8} before, \w{8} after.*both were opened/s },
  {
    play: "down",
    tells:
      /ECONNREFUSED.*told 451 4\.4\.1 The next hop cannot be reached\n.*the sender tries again.*as sent, byte for byte/s,
  },
]) {
  test(`demo ${play} can be watched on a running demo, whose folder serves again`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "postern-test-"));
    after(() => rm(folder, { recursive: true, force: true }));
    const { child, ended, output } = demo("--data", folder);
    await until(() => output().includes("postern demo tamper"));
    const mails = async () => (await readdir(path.join(folder, "parliament.example/mail"))).length;
    const before = await mails();
    const played = demo(play, "--data", folder);
    assert.equal(await played.ended, 0, played.output());
    assert.match(played.output(), tells);
    assert.equal(await mails(), before + (play === "swap-keys" ? 2 : 1));
    assert.match(
      await readFile(path.join(folder, `parliament.example/mail/00${await mails()}.eml`), "latin1"),
      /^Authentication-Results: gw\.parliament\.example; smime=pass/,
    );
    child.kill("SIGTERM");
    assert.equal(await ended, 0, output());
    assert.equal(await demo("--once", "--data", folder).ended, 0);
  });
}

test("a second demo finds other ports, and nobody to ask is said", async () => {
  const first = demo();
  await until(() => first.output().includes("postern demo tamper"));
  assert.equal(await demo("--once").ended, 0);
  first.child.kill("SIGINT");
  await first.ended;
  assert.equal(await demo("tamper", "--data", tmpdir()).ended, 69);
  assert.equal(await demo("tampr").ended, 64);
});
