// What became of a message: looked up in the store of a gateway that is not running, with the real program.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { configOf } from "../../test/configured.ts";
import { runPostern } from "../../test/program.ts";
import { openCommunity } from "../demo/community.ts";
import { openStore, type TrackRow } from "../store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-track-"));
after(() => rmSync(folder, { recursive: true }));
const config = configOf(await openCommunity(folder));
const dataDir = path.join(folder, "state");

async function track(...args: readonly string[]) {
  const { status, stdout, stderr } = await runPostern(["track", ...args, "--config", config]);
  return { status, out: stdout.toString(), said: stderr };
}

test("before the gateway ever ran there is no store, and that is said", async () => {
  const { status, said } = await track("x@a.example");
  assert.equal(status, 69);
  assert.match(said, /postern\.db: is not there; the gateway makes it when it starts/);
});

const row = (id: string, at: string, forwardPath: string, reply: string, report: object = {}): TrackRow => ({
  id,
  at: new Date(at),
  queueId: "4bXkQueue",
  messageId: "<letter@treasury.example>",
  reversePath: "minister@treasury.example",
  forwardPath,
  reply,
  report,
});
const today = new Date().toISOString().slice(0, 10);
const rows = [
  row("Aa1", `${today}T00:00:01Z`, "clerk@parliament.example", "250 2.0.0 Ok", {
    treatment: "protect",
    code: "OK",
    signature: "rsa-pss-sha256",
    certificates: ["ab".repeat(32)],
    recipients: [{ forwardPath: "clerk@parliament.example", status: "sent" }],
  }),
  row("Aa1", `${today}T00:00:01Z`, "nobody@parliament.example", "451 4.7.5 No certificate"),
  row("Bb2", `${today}T00:02:00Z`, "other@world.example", "250 2.0.0 Held", {
    recipients: [{ forwardPath: "other@world.example", status: "held" }],
  }),
];

test("a message is found by each of its names, a line per recipient", async () => {
  mkdirSync(dataDir, { recursive: true });
  const store = await openStore({
    file: path.join(dataDir, "postern.db"),
    dataDir,
    onFault: (thrown) => assert.fail(String(thrown)),
  });
  store.tracking.note(rows);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await store.close();
  for (const name of ["Aa1", "clerk@parliament.example"]) assert.equal((await track(name)).status, 0, name);
  for (const name of ["4bXkQueue", "letter@treasury.example", "<letter@treasury.example>", "minister@treasury.example"])
    assert.equal((await track(name)).out.trimEnd().split("\n").length, 3, name);
  const { out } = await track("Aa1");
  assert.match(
    out,
    /^\d{4}-\d\d-\d\d 00:00:01 {2}Aa1 {2}4bXkQueue {2}<minister@treasury\.example> to <nobody@parliament\.example> +deferred \(451 4\.7\.5 No certificate\)$/m,
  );
  assert.match(out, /to <clerk@parliament\.example> +sent \(250 2\.0\.0 Ok\)$/m);
  assert.match((await track("Bb2")).out, / held \(250 2\.0\.0 Held\)\n$/);
});

test("a day, a minute and spans are times", async () => {
  assert.equal((await track(today)).out.trimEnd().split("\n").length, 3);
  assert.equal((await track(`${today}T00:00`)).out.trimEnd().split("\n").length, 2);
  assert.equal((await track("--since", `${today}T00:01:00Z`)).out.trimEnd().split("\n").length, 1);
  assert.equal((await track("Aa1", "--until", "2020-01-01")).status, 1);
  const limited = await track(today, "--limit", "1");
  assert.match(limited.out, /^.*\nThe latest 1 line; --limit shows more\.\n$/);
});

test("--why says what decided, --json everything", async () => {
  const { out } = await track("clerk@parliament.example", "--why");
  assert.match(out, /\n {2}message +<letter@treasury\.example>\n/);
  assert.match(out, /\n {2}treatment +protect\n/);
  assert.match(out, /\n {2}signed +rsa-pss-sha256\n/);
  assert.match(out, /\n {2}certificate +(?:ab){32}\n/);
  const [first] = (await track("clerk@parliament.example", "--json")).out.split("\n");
  assert.equal(JSON.parse(first ?? "").report.treatment, "protect");
});

test("nothing found is exit 1; nothing to look for, and times that are none, are 64", async () => {
  const none = await track("nobody@nowhere.example");
  assert.deepEqual([none.status, none.out], [1, "Nothing found. What is older than 30 days is forgotten.\n"]);
  for (const args of [[], ["x", "--since", "yesterday"], ["x", "--limit", "0"]])
    assert.equal((await track(...args)).status, 64);
});
