// bin/postern, and what it does where Node 26 is not what called it. The launcher is the real one, in a folder with a
// program of the test's own.

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import project from "../package.json" with { type: "json" };

const root = path.resolve(import.meta.dirname, "..");
const folder = mkdtempSync(path.join(tmpdir(), "postern-launcher-"));
after(() => rmSync(folder, { recursive: true }));

const platformPackage = Object.keys(project.optionalDependencies).find((name) =>
  existsSync(path.join(root, "node_modules", name)),
);
assert.ok(platformPackage !== undefined, "npm ci brings Node 26 for this platform");

const program = `
  if (process.argv[2] === "wait") {
    process.on("SIGTERM", () => { process.stdout.write("stopping"); process.exit(3); });
    setInterval(() => {}, 1000);
    process.stdout.write("ready\\n");
  } else if (process.argv[2] === "evaluate") {
    for (const [name, evaluate] of [["eval", () => eval("1")], ["Function", () => new Function("1")]])
      try {
        evaluate();
        process.stdout.write(name + " ran\\n");
      } catch (thrown) {
        process.stdout.write(name + " threw " + thrown.name + "\\n");
      }
  } else if (process.argv[2] === "die") {
    process.kill(process.pid, "SIGKILL");
  } else {
    for await (const chunk of process.stdin) process.stdout.write(chunk);
    process.exitCode = Number(process.argv[2]);
  }
`;

test("the program gets arguments and octets as they are, and its exit status is the launcher's", () => {
  for (const pretended of [[], oldNode()]) {
    const octets = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    const { status, stdout } = launch(makeHome(), pretended, ["7"], octets);
    assert.equal(status, 7);
    assert.ok(stdout.equals(octets));
  }
});

test("text does not become code in the program", () => {
  for (const pretended of [[], oldNode()]) {
    const { stdout } = launch(makeHome(), pretended, ["evaluate"]);
    assert.equal(stdout.toString(), "eval threw EvalError\nFunction threw EvalError\n");
  }
});

test("a signal to the launcher is a signal to the program", async () => {
  const child = spawn(process.execPath, [...oldNode(), path.join(makeHome(), "bin/postern"), "wait"]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
    if (output === "ready\n") child.kill("SIGTERM");
  });
  assert.equal(await exitOf(child), 3);
  assert.equal(output, "ready\nstopping");
});

test("a program that a signal ended ends the launcher by the same signal", () => {
  assert.equal(launch(makeHome(), oldNode(), ["die"]).signal, "SIGKILL");
});

test("without Node 26 the launcher says what to do", () => {
  const home = makeHome();
  rmSync(path.join(home, "node_modules"), { recursive: true });
  const { status, stderr } = launch(home, oldNode(), ["0"]);
  assert.equal(status, 69);
  assert.equal(stderr.toString(), "Postern needs Node 26; run npm ci without --omit=optional\n");
});

test("where Node 26 lacks a library the launcher has it brought and starts again", () => {
  const home = makeHome();
  breakNode(home, (binary) => `test "$1" = run && ln -sf '${process.execPath}' '${binary}'`);
  const { status, stdout } = launch(home, oldNode(), ["0"], Buffer.from("a message"));
  assert.equal(status, 0);
  assert.equal(stdout.toString(), "a message");
});

test("where the library cannot be brought the launcher gives up with the reason's status", () => {
  const home = makeHome();
  breakNode(home, () => "exit 69");
  assert.equal(launch(home, oldNode(), ["0"]).status, 69);
});

/** A folder laid out like the project, with the real launcher. */
function makeHome(): string {
  const home = mkdtempSync(path.join(folder, "home-"));
  cpSync(path.join(root, "bin"), path.join(home, "bin"), { recursive: true });
  mkdirSync(path.join(home, "src"));
  writeFileSync(path.join(home, "src/main.ts"), `${program}\nexport {};`);
  writeFileSync(path.join(home, "package.json"), '{ "type": "module" }');
  mkdirSync(path.join(home, "node_modules"));
  symlinkSync(
    path.join(root, "node_modules", platformPackage as string),
    path.join(home, "node_modules", platformPackage as string),
  );
  return home;
}

/** Puts a Node that ends as one does whose library is missing, and a tools/prepare.sh that meets it. */
function breakNode(home: string, prepare: (binary: string) => string): void {
  const packageFolder = path.join(home, "node_modules", platformPackage as string);
  rmSync(packageFolder);
  const binary = path.join(packageFolder, "bin/node");
  mkdirSync(path.dirname(binary), { recursive: true });
  writeFileSync(path.join(packageFolder, "package.json"), "{}");
  writeFileSync(binary, "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  mkdirSync(path.join(home, "tools"));
  writeFileSync(path.join(home, "tools/prepare.sh"), prepare(binary));
}

/** Arguments under which this Node says that it is Node 20. */
function oldNode(): string[] {
  const preload = path.join(folder, "old-node.cjs");
  writeFileSync(
    preload,
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });\n',
  );
  return ["--require", preload];
}

function launch(
  home: string,
  nodeArguments: readonly string[],
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
) {
  return spawnSync(process.execPath, [...nodeArguments, path.join(home, "bin/postern"), ...args], { input });
}

function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve) => child.on("close", resolve));
}
