// A next hop for tests: takes mail, keeps it, and answers as it is told.

import assert from "node:assert/strict";
import { collect } from "../src/bytes.ts";
import { isSecureMailError } from "../src/errors.ts";
import { defaultLimits, formatMailbox, listen, type Reply, reply, smtp } from "../src/smtp.ts";

export type Received = { readonly from: string; readonly to: readonly string[]; readonly message: string };

export type Sink = {
  readonly port: number;
  readonly got: readonly Received[];
  /** What it says to a recipient; 250 unless told otherwise. */
  answer: (forwardPath: string) => Reply;
  /** Called for each mail that was taken. */
  onMail: (mail: Received) => void;
  close(): Promise<void>;
};

export async function openSink(): Promise<Sink> {
  const got: Received[] = [];
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect: smtp,
      hostname: "sink.example",
      postmaster: { localPart: "postmaster", domain: "sink.example" },
      limits: defaultLimits,
      // A message that breaks off in the middle is none of the sink's faults.
      onFault: (thrown) => assert.ok(isSecureMailError(thrown), String(thrown)),
      judgeRecipient: (path) => {
        const answer = sink.answer(formatMailbox(path));
        return answer.code < 300 ? undefined : answer;
      },
      handle: async ({ envelope, message }) => {
        const { reversePath, forwardPaths } = envelope;
        const mail = {
          from: reversePath === undefined ? "" : formatMailbox(reversePath),
          to: forwardPaths.map(formatMailbox),
          message: Buffer.from(await collect(message)).toString("latin1"),
        };
        got.push(mail);
        sink.onMail(mail);
        return forwardPaths.map(() => reply(250, "2.0.0", "kept"));
      },
    },
  );
  assert.ok("port" in server.address);
  const sink: Sink = {
    port: server.address.port,
    got,
    answer: () => reply(250, "2.0.0", "kept"),
    onMail: () => undefined,
    close: () => server.close(),
  };
  return sink;
}
