// What the file commands make of what is around them: full disks, folders in place of files, slow and endless input.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { notRun } from "../../not-run.ts";
import { runPostern } from "../../program.ts";
import { folder, message } from "./desk.ts";

const launcher = path.resolve(import.meta.dirname, "../../../bin/postern");

type Around = { readonly stdin?: string; readonly stdout?: string; readonly environment?: Record<string, string> };

/** Standard input and output are files here, as `<` and `>` make them. */
function statusOf(args: readonly string[], around: Around, input: Uint8Array = message): Promise<number | null> {
  const stdin = around.stdin === undefined ? "pipe" : openSync(around.stdin, "r");
  const stdout = around.stdout === undefined ? "ignore" : openSync(around.stdout, "w");
  return new Promise((resolve, reject) => {
    const env = { ...process.env, ...around.environment };
    const child = spawn(process.execPath, [launcher, ...args], { stdio: [stdin, stdout, "ignore"], env });
    for (const file of [stdin, stdout]) if (typeof file === "number") closeSync(file);
    child.once("error", reject);
    child.once("close", resolve);
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

for (const command of ["open", "explain"]) {
  test(`${command} of a folder is exit 69`, async () => {
    assert.equal(await statusOf([command], { stdin: folder }), 69);
  });

  if (process.platform === "linux") {
    test(`${command} to a full disk is exit 75`, async () => {
      assert.equal(await statusOf([command], { stdout: "/dev/full" }), 75);
    });
  } else notRun(1, "there is no /dev/full here");

  test(`${command} of much, where nothing can be spilled, is exit 75`, async () => {
    const much = Buffer.concat([message, Buffer.alloc(3_000_000, "much\r\n")]);
    const environment = { TMPDIR: path.join(folder, "that is not there") };
    assert.equal(await statusOf([command], { environment }, much), 75);
  });
}

test("explain measures what it does not open to its end", async () => {
  const header =
    "From: a@a.example\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const body = Buffer.alloc(400_000, `${"A".repeat(76)}\r\n`);
  const { stdout } = await runPostern(["explain", "--json"], Buffer.concat([Buffer.from(header), body]));
  assert.equal(JSON.parse(stdout.toString()).parts.size, body.length);
});

test("PEM whose first line does not end is malformed", async () => {
  const { status, stderr } = await runPostern(["open"], Buffer.alloc(2_000_000, "-----BEGIN "));
  assert.equal(status, 65);
  assert.match(stderr, /MALFORMED/);
});
