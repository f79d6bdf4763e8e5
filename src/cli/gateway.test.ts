import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { sourceOf } from "../bytes.ts";
import { keyFile, openCommunity } from "../demo/community.ts";
import { RelayPool } from "../smtp.ts";

const program = path.resolve(import.meta.dirname, "../main.ts");
const folder = await mkdtemp(path.join(tmpdir(), "postern-test-"));
after(() => rm(folder, { recursive: true }));
const community = await openCommunity(folder);

const text = `hostname: gw.treasury.example
dataDir: state
postmaster: postmaster@treasury.example
trust: { anchors: [${community.rootFile}] }
domains:
  - name: treasury.example
    signing: { key: ${keyFile(folder, "treasury.example", "sign", "pem")}, certificate: ${keyFile(folder, "treasury.example", "sign", "crt")} }
    encryption: [{ key: ${keyFile(folder, "treasury.example", "encrypt", "pem")}, certificate: ${keyFile(folder, "treasury.example", "encrypt", "crt")} }]
listen: { inside: { lmtp: "127.0.0.1:0" }, outside: { smtp: "127.0.0.1:0" } }
relay: { inside: "smtp://127.0.0.1:1", outside: "smtp://127.0.0.1:1" }
directory: { sources: [{ ldif: members.ldif }] }
rules: rules.yaml
`;

async function run(config: string) {
  const file = path.join(folder, "postern.yaml");
  await writeFile(file, config);
  const child = spawn(process.execPath, [program, "gateway", "--config", file], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (said: string) => {
      output += said;
    });
  }
  after(() => child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const heard = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let tries = 0; tries < 1000; tries += 1) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return assert.fail(`${pattern} was not said in 10 s: ${output}`);
  };
  return { child, ended, heard };
}

test("the daemon says where it listens, logs each recipient, reads the directory again and ends in order", async () => {
  const { child, ended, heard } = await run(text);
  const [, port] = await heard(/inside 127\.0\.0\.1:(\d+), outside .*, 2 members\n/);
  await heard(/rules is set and not used by this version/);
  const client = new RelayPool("hub.example");
  const forwardPaths = [{ localPart: "clerk", domain: "parliament.example" }];
  const message = sourceOf(Buffer.from("From: <a@treasury.example>\r\n\r\nx\r\n"));
  const hop = { protocol: "lmtp", address: { host: "127.0.0.1", port: Number(port) } } as const;
  const replies = await client.relay(hop, { reversePath: undefined, forwardPaths, parameters: {} }, message);
  await client.close();
  assert.equal(replies[0]?.code, 451);
  await heard(/^postern\/relay\[\d+\]: \w+: to=<clerk@parliament\.example>, .*status=deferred \(451 4\.4\.1 /m);
  const whole = await readFile(community.directoryFile, "utf8");
  await writeFile(community.directoryFile, whole.split("\n\n").slice(0, 2).join("\n\n"));
  await heard(/directory: snapshot 2, 1 members\n/);
  await heard(/MEMBER_VANISHED: the entry of parliament\.example is gone since .*; mail to it waits until /);
  await writeFile(community.directoryFile, "broken");
  await heard(/DIRECTORY_FILE_INVALID: .*line 1/);
  await writeFile(community.directoryFile, whole);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});

for (const [name, config, status, said] of [
  [
    "an unknown setting",
    text.replace("hostname:", "hostnam:"),
    78,
    /postern\.yaml:1:1: hostnam: unknown setting \(did you mean hostname\?\)/,
  ],
  ["a key of another certificate", text.replace("encrypt.pem", "sign.pem"), 78, /is not the certificate of the key in/],
  ["a directory that is not there", text.replace("members.ldif", "none.ldif"), 69, /none\.ldif: cannot be read/],
] as const) {
  test(`the daemon does not start with ${name}, and says why`, async () => {
    const { ended, heard } = await run(config);
    assert.equal(await ended, status);
    await heard(said);
  });
}
