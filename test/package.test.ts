// The package as npm installs it: built, under node_modules, used by a program that is not ours.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import project from "../package.json" with { type: "json" };
import { keyFile, openCommunity } from "../src/demo/community.ts";

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "postern-package-"));
after(() => rmSync(folder, { recursive: true }));

const installed = path.join(folder, "node_modules/postern");
const tsc = path.join(root, "node_modules/typescript/bin/tsc");
mkdirSync(installed, { recursive: true });
for (const name of Object.keys(project.dependencies))
  symlinkSync(path.join(root, "node_modules", name), path.join(folder, "node_modules", name));
for (const name of ["package.json", "bin"])
  cpSync(path.join(root, name), path.join(installed, name), { recursive: true });
const build = run([tsc, "-p", path.join(root, "tsconfig.build.json"), "--outDir", path.join(installed, "dist")]);

test("every export is built, with its types", () => {
  assert.equal(build.status, 0, build.stdout);
  const { "./package.json": _, ...doors } = project.exports;
  for (const { types, default: code } of Object.values(doors))
    for (const file of [types, code]) assert.ok(existsSync(path.join(installed, file)), file);
});

test("the library's example protects a letter and opens it again", async () => {
  const { folder: keys, rootFile } = await openCommunity(path.join(folder, "community"));
  cpSync(rootFile, path.join(folder, "ca.crt"));
  for (const [name, domain, role] of [
    ["sign", "treasury.example", "sign"],
    ["seal", "parliament.example", "encrypt"],
  ] as const) {
    cpSync(keyFile(keys, domain, role, "pem"), path.join(folder, `${name}.key`));
    cpSync(keyFile(keys, domain, role, "crt"), path.join(folder, `${name}.crt`));
  }
  cpSync(path.join(root, "docs/examples/library.mjs"), path.join(folder, "library.mjs"));
  const letter = "From: minister@treasury.example\r\nSubject: x\r\n\r\nNot before Thursday.\r\n";
  const { status, stdout, stderr } = run(["library.mjs"], letter);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, letter);
  assert.equal(JSON.parse(stderr).code, "OK");
});

test("a program in TypeScript sees the types", () => {
  writeFileSync(
    path.join(folder, "program.ts"),
    'import { open } from "postern/smime";\nexport const x: number = open;\n',
  );
  mkdirSync(path.join(folder, "node_modules/@types"));
  symlinkSync(path.join(root, "node_modules/@types/node"), path.join(folder, "node_modules/@types/node"));
  const { stdout } = run([
    tsc,
    "--noEmit",
    "--types",
    "node",
    "--module",
    "nodenext",
    "--target",
    "esnext",
    "program.ts",
  ]);
  assert.match(stdout, /^program\.ts\(2,14\): error TS2322: .*message: ByteSource, options: OpenOptions.*\n$/);
});

test("the installed command runs what was built", () => {
  const { status, stdout, stderr } = run([path.join(installed, "bin/postern"), "--version"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^Postern ${project.version}, Node 26\\.`));
});

test("the built store finds its thread", () => {
  const program = `
    import { openStore } from ${JSON.stringify(path.join(installed, "dist/store.js"))};
    const store = await openStore({ file: "postern.db", dataDir: ".", onFault: console.error });
    await store.audit.note({ at: new Date(0), by: "root", act: "tried", subject: "it" });
    console.log(JSON.stringify(await store.audit.list()));
    await store.close();`;
  const { status, stdout, stderr } = run(["--input-type=module", "--eval", program]);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(stdout, '[{"at":"1970-01-01T00:00:00.000Z","by":"root","act":"tried","subject":"it"}]\n');
});

function run(args: readonly string[], input: string = "") {
  return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8", input });
}
