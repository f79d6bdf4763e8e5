// The gateway dies between the next hop's 250 and its own: the only moment in which a mail can be handed on and its sender
// not know. The ledger makes it short.

import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { sourceOf } from "../../src/bytes.ts";
import { RelayPool, type SocketAddress } from "../../src/smtp.ts";
import { address, clerk, Lab, mail, minister } from "../gateway-lab.ts";
import type { Moment } from "./dying-gateway.ts";

const lab = await Lab.open();
after(() => lab.close());
const file = path.join(lab.folder, "postern.yaml");
writeFileSync(file, lab.configText);
const program = path.join(import.meta.dirname, "dying-gateway.ts");

async function started(moment: Moment): Promise<{ child: ChildProcess; ended: Promise<unknown>; hop: SocketAddress }> {
  const child = fork(program, [file, moment]);
  const ended = once(child, "exit");
  const [hop] = (await once(child, "message")) as [SocketAddress];
  return { child, ended, hop };
}

/** Codes of the replies; the sender's own 451 where it heard nothing. */
async function hand(hop: SocketAddress, message: string, to: readonly string[]): Promise<readonly number[]> {
  const client = new RelayPool("hub.example");
  const envelope = { reversePath: address(minister), forwardPaths: to.map(address), parameters: {} };
  const replies = await client.relay({ protocol: "lmtp", address: hop }, envelope, sourceOf(Buffer.from(message)));
  await client.close();
  return replies.map(({ code }) => code);
}

for (const { moment, copies, why } of [
  { moment: "recorded", copies: 1, why: "the ledger knows" },
  { moment: "answered", copies: 2, why: "nobody knew: a duplicate, never a loss" },
] as const) {
  test(`killed when the hop had ${moment === "recorded" ? "answered and it was recorded" : "answered"}: ${why}`, async () => {
    const message = mail(minister);
    const first = await started(moment);
    assert.deepEqual(await hand(first.hop, message, [clerk]), [451]);
    await first.ended;
    assert.equal(first.child.signalCode, "SIGKILL");
    const second = await started("never");
    assert.deepEqual(await hand(second.hop, message, [clerk, "a@stranger.example"]), [250, 250]);
    second.child.kill();
    await second.ended;
    const [, id = ""] = /^Message-ID: (.*)\r$/m.exec(message) ?? [];
    const delivered = lab.world.got.filter((one) => one.message.includes(id));
    assert.equal(delivered.filter(({ to }) => to.includes(clerk)).length, copies);
    assert.equal(delivered.filter(({ to }) => to.includes("a@stranger.example")).length, 1);
  });
}
