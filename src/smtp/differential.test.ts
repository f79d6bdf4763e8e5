// Our sessions against those of smtp-server and nodemailer, which many people use: same mail in, same mail out.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import fc from "fast-check";
import { collect, sourceOf } from "../bytes.ts";
import { smtp } from "./lmtp.ts";
import { RelayPool } from "./relay-pool.ts";
import { reply } from "./reply.ts";
import { listen } from "./server.ts";
import { defaultLimits } from "./session-options.ts";

const require = createRequire(import.meta.url);
const { SMTPServer } = require("smtp-server");
const nodemailer = require("nodemailer");

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const lines = fc.array(fc.stringMatching(/^[.a-c ]{0,8}$/), { maxLength: 20 });
const messages = lines.map((all) => `Subject: x\r\n\r\n${all.map((line) => `${line}\r\n`).join("")}`);

for (const protocol of ["smtp", "lmtp"] as const) {
  test(`smtp-server receives by ${protocol} what we relay`, async () => {
    const received: string[] = [];
    const server = new SMTPServer({
      lmtp: protocol === "lmtp",
      authOptional: true,
      disabledCommands: ["AUTH", "STARTTLS"],
      onRcptTo: (to: { address: string }, _: unknown, done: (error?: Error) => void) =>
        done(to.address.startsWith("no") ? Object.assign(new Error("nobody"), { responseCode: 550 }) : undefined),
      onData: async (stream: AsyncIterable<Uint8Array>, _: unknown, done: (error: null, answer: unknown) => void) => {
        received.push(Buffer.from(await collect(stream)).toString("latin1"));
        done(null, protocol === "lmtp" ? ["one", "two"] : "queued");
      },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const relay = new RelayPool("gw.example");
    closing.push(
      () => server.close(),
      () => relay.close(),
    );
    const hop = { protocol, address: { host: "127.0.0.1", port: server.server.address().port } };
    const forwardPaths = ["a", "no", "b"].map((localPart) => ({ localPart, domain: "b.example" }));
    const envelope = { reversePath: undefined, forwardPaths, parameters: {} };
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const replies = await relay.relay(hop, envelope, sourceOf(Buffer.from(message)));
        assert.deepEqual(
          replies.map(({ code }) => code),
          [250, 550, 250],
        );
        assert.equal(received.at(-1), message);
      }),
      { numRuns: 100 },
    );
  });
}

test("we receive what nodemailer sends", async () => {
  const received: string[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "gw.example",
      postmaster: { localPart: "postmaster", domain: "b.example" },
      limits: defaultLimits,
      onFault: (thrown) => assert.fail(String(thrown)),
      handle: async ({ envelope, message }) => {
        received.push(Buffer.from(await collect(message)).toString("latin1"));
        return envelope.forwardPaths.map(() => reply(250, "2.0.0", "ok"));
      },
    },
  );
  assert.ok("port" in server.address);
  const transport = nodemailer.createTransport({ ...server.address, pool: true, ignoreTLS: true });
  closing.push(
    () => server.close(),
    () => transport.close(),
  );
  await fc.assert(
    fc.asyncProperty(messages, async (raw) => {
      await transport.sendMail({ envelope: { from: "a@a.example", to: ["b@b.example", "c@b.example"] }, raw });
      assert.equal(received.at(-1), raw);
    }),
    { numRuns: 100 },
  );
});
