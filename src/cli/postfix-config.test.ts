import assert from "node:assert/strict";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { runPostern } from "../../test/program.ts";

const folder = await mkdtemp(path.join(tmpdir(), "postern-test-"));
after(() => rm(folder, { recursive: true }));
const example = path.resolve(import.meta.dirname, "../../docs/examples/postern.yaml");
const configFile = path.join(folder, "postern.yaml");
// The example, which submits where nobody of the world comes in.
const text = (await readFile(example, "utf8")).replace(/^( +submit: smtp:\/\/127\.0\.0\.1):\d+/m, "$1:10024");
await writeFile(configFile, text);

const run = (...args: readonly string[]) => runPostern(["postfix-config", "--config", configFile, ...args]);

test("four instances are printed, each with its files and reasons", async () => {
  const { status, stdout } = await run("--users", "[mail.treasury.example]:25");
  assert.equal(status, 0);
  const printed = stdout.toString("utf8");
  assert.equal(printed.match(/^# ---- postfix-\S+\/(?:main|master)\.cf$/gm)?.length, 8);
  assert.match(printed, /^relay_transport = smtp:\[mail\.treasury\.example\]:25$/m);
});

test("what was written does not differ; what was changed is shown with both values, and the exit status is 1", async () => {
  const out = path.join(folder, "postfix");
  const written = await run("--out", out);
  assert.equal(written.status, 0);
  assert.match(written.stderr, /edge-in.*look at relay_transport/);
  const edge = path.join(out, "postfix-edge-in");
  const same = await run("--diff", edge, "--diff", path.join(out, "postfix-hub-out"));
  assert.equal(same.status, 0, same.stdout.toString("utf8"));
  await appendFile(path.join(edge, "main.cf"), "soft_bounce = yes\nalways_bcc = spy@elsewhere.example\n");
  const { status, stdout } = await run("--diff", edge);
  assert.equal(status, 1);
  assert.match(stdout.toString("utf8"), /^- soft_bounce = yes\n\+ soft_bounce = no$/m);
  assert.match(stdout.toString("utf8"), /^- always_bcc = spy@elsewhere\.example$/m);
});

for (const [what, args, status] of [
  ["--out with --diff", ["--out", folder, "--diff", folder], 64],
  ["a certificate without its key", ["--tls-certificate", "x.pem"], 64],
  ["a folder that is no instance of ours", ["--diff", path.join(folder, "none")], 69],
] as const) {
  test(`postfix-config refuses ${what}`, async () => assert.equal((await run(...args)).status, status));
}
