import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import type { SocketAddress } from "../smtp.ts";
import { type Arrival, Listeners, type Taker } from "./listeners.ts";
import type { ListenerName } from "./messages.ts";
import { answerStatus, readStatus } from "./status.ts";

const folder = mkdtempSync(path.join(tmpdir(), "postern-listeners-"));
after(() => rmSync(folder, { recursive: true }));
const anyPort = { host: "127.0.0.1", port: 0 };
const addresses = new Map<ListenerName, SocketAddress>([["inside", anyPort]]);

/** Takes so many, and greets them with its name. */
function taker(name: string, most: number): Taker & { readonly taken: Arrival[] } {
  const taken: Arrival[] = [];
  return {
    taken,
    take(arrival) {
      if (taken.length >= most) return false;
      taken.push(arrival);
      after(() => arrival.socket.destroy());
      arrival.socket.write(name);
      return true;
    },
  };
}

async function opened(): Promise<{ listeners: Listeners; call: () => Socket }> {
  const listeners = new Listeners((thrown) => assert.fail(String(thrown)));
  after(() => listeners.close());
  const address = await listeners.open("inside", anyPort);
  assert.ok("port" in address && address.port > 0);
  assert.deepEqual(await listeners.open("inside", anyPort), address);
  return { listeners, call: () => connect(address.port, address.host) };
}

const greeting = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    after(() => socket.destroy());
    socket.once("data", (octets) => resolve(octets.toString()));
    socket.once("close", () => resolve("closed"));
  });

test("connections wait until somebody takes them, and go to the takers in turn", async () => {
  const { listeners, call } = await opened();
  const greetings = [call(), call(), call()].map(greeting);
  await new Promise((resolve) => setTimeout(resolve, 50));
  listeners.handTo([taker("a", 1), taker("b", 2)], addresses);
  assert.deepEqual((await Promise.all(greetings)).sort(), ["a", "b", "b"]);
});

test("what a dead worker had not taken goes to the next", async () => {
  const { listeners, call } = await opened();
  const dying = taker("a", 1);
  listeners.handTo([dying], addresses);
  const socket = call();
  assert.equal(await greeting(socket), "a");
  listeners.giveBack(dying.taken[0] as Arrival);
  listeners.handTo([taker("b", 1)], addresses);
  assert.equal(await greeting(socket), "b");
});

test("a listener that nobody serves is closed with those who wait there, the others stay", async () => {
  const { listeners, call } = await opened();
  const other = await listeners.open("outside", anyPort);
  assert.ok("port" in other);
  const waiting = greeting(connect(other.port, other.host));
  await new Promise((resolve) => setTimeout(resolve, 50));
  listeners.handTo([taker("a", 1)], addresses);
  listeners.closeOthers();
  assert.equal(await waiting, "closed");
  assert.equal(await greeting(call()), "a");
});

test("the socket file of a process that was killed is no obstacle, a file that is no socket is", async () => {
  const socket = path.join(folder, "left");
  const listenAndDie = `require("net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", listenAndDie]);
  assert.ok(existsSync(socket));
  const listeners = new Listeners((thrown) => assert.fail(String(thrown)));
  after(() => listeners.close());
  assert.deepEqual(await listeners.open("inside", { path: socket }), { path: socket });
  const file = path.join(folder, "file");
  writeFileSync(file, "precious");
  await assert.rejects(listeners.open("outside", { path: file }), { code: "SUPERVISOR_LISTEN" });
  assert.ok(existsSync(file));
});

test("the status is one JSON object, for one gateway on a folder", async () => {
  const dataDir = path.join(folder, "state");
  const status = { ready: true, pid: process.pid, since: new Date().toISOString(), workers: [] };
  assert.equal(await readStatus(dataDir), undefined);
  const stop = await answerStatus(dataDir, () => status);
  assert.deepEqual(await readStatus(dataDir), status);
  await assert.rejects(
    answerStatus(dataDir, () => status),
    { code: "SUPERVISOR_RUNNING", fault: "temporary" },
  );
  stop();
  assert.equal(await readStatus(dataDir), undefined);
});

test("a data folder whose socket would have too long a path is refused in plain words", async () => {
  const dataDir = path.join(folder, "d".repeat(100));
  await assert.rejects(
    answerStatus(dataDir, () => assert.fail("nobody can ask")),
    { code: "SUPERVISOR_FOLDER", message: /at most 107 octets; choose a shorter one/ },
  );
});
