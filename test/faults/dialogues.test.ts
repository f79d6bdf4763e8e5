// Broken dialogues (security.md D8): whole conversations cut and garbled at every octet, in both roles, and a next hop that
// says the wrong thing, or nothing, at each step. Each time as many replies as recipients were accepted, every positive
// one backed by a positive one of the hop, and nobody waits for ever.

import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { sourceOf } from "../../src/bytes.ts";
import {
  defaultLimits,
  type HandleTransaction,
  type Hop,
  isPositive,
  listen,
  lmtp,
  type MailServer,
  RelayPool,
  type Reply,
  reply,
  smtp,
} from "../../src/smtp.ts";
import { codes, converse } from "../dialogue.ts";

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const names = ["one", "two", "three"];
const recipients = names.map((localPart) => ({ localPart, domain: "b.example" }));
const patience = { connectMs: 2000, commandMs: 250, blockMs: 250, messageMs: 1000, answerMs: 250 };

// The server's role: a client that breaks off or garbles.

type Handled = { readonly number: number; readonly recipients: number; finished: boolean };

/** Answers with its number, so that the client's transcript tells which replies belong to which message. */
async function countingServer(
  dialect: typeof smtp,
): Promise<{ readonly server: MailServer; readonly handled: Handled[] }> {
  const handled: Handled[] = [];
  const handle: HandleTransaction = async ({ envelope, message }) => {
    const entry: Handled = { number: handled.length, recipients: envelope.forwardPaths.length, finished: false };
    handled.push(entry);
    for await (const _ of message);
    entry.finished = true;
    return envelope.forwardPaths.map((_, at) => reply(250, "2.0.0", `message ${entry.number} recipient ${at}`));
  };
  const server = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      dialect,
      hostname: "gw.example",
      postmaster: recipients[0] as (typeof recipients)[0],
      limits: { ...defaultLimits, commandTimeoutMs: 2000, messageTimeoutMs: 2000 },
      handle,
      onFault: () => undefined,
    },
  );
  return { server, handled };
}

const rcpt = names.map((name) => `RCPT TO:<${name}@b.example>\r\n`).join("");
const message = "Subject: x\r\n\r\n..a\r\nb.\r\n";
const recorded = {
  "SMTP with DATA": `EHLO c.example\r\nMAIL FROM:<a@a.example> SIZE=99 RET=HDRS\r\n${rcpt}DATA\r\n${message}.\r\nQUIT\r\n`,
  "SMTP with BDAT": `EHLO c.example\r\nMAIL FROM:<>\r\n${rcpt}BDAT 12\r\nSubject: x\r\nBDAT 5 LAST\r\n\r\na\r\nQUIT\r\n`,
  "SMTP twice": `EHLO c\r\n${`MAIL FROM:<>\r\n${rcpt}DATA\r\nx\r\n.\r\n`.repeat(2)}QUIT\r\n`,
  "LMTP with DATA": `LHLO c.example\r\nMAIL FROM:<a@a.example>\r\n${rcpt}DATA\r\n${message}.\r\nQUIT\r\n`,
  "LMTP with BDAT": `LHLO c.example\r\nMAIL FROM:<>\r\n${rcpt}BDAT 12\r\nSubject: x\r\nBDAT 5 LAST\r\n\r\na\r\nQUIT\r\n`,
  "LMTP twice": `LHLO c\r\n${`MAIL FROM:<>\r\n${rcpt}DATA\r\nx\r\n.\r\n`.repeat(2)}QUIT\r\n`,
};

const damages: Readonly<Record<string, (octets: Buffer, at: number) => Buffer>> = {
  "cut off at": (octets, at) => octets.subarray(0, at),
  "one octet less at": (octets, at) => Buffer.concat([octets.subarray(0, at), octets.subarray(at + 1)]),
  "a flipped bit at": (octets, at) => changed(octets, at, (octets[at] ?? 0) ^ 1),
  "a CR at": (octets, at) => changed(octets, at, 0x0d),
  "a LF at": (octets, at) => changed(octets, at, 0x0a),
  "a NUL at": (octets, at) => changed(octets, at, 0),
  "an octet twice at": (octets, at) => Buffer.concat([octets.subarray(0, at + 1), octets.subarray(at)]),
};

function changed(octets: Buffer, at: number, octet: number): Buffer {
  const copy = Buffer.from(octets);
  copy[at] = octet;
  return copy;
}

for (const [name, dialogue] of Object.entries(recorded)) {
  test(`${name}: a client that garbles any octet gets a reply per recipient, and none for what did not come`, async () => {
    const isLmtp = name.startsWith("LMTP");
    const octets = Buffer.from(dialogue);
    const cases = Object.entries(damages).flatMap(([damage, apply]) =>
      Array.from(octets, (_, at) => ({ what: `${damage} ${at}`, sent: apply(octets, at) })),
    );
    await fewAtOnce(cases, async ({ what, sent }) => {
      const { server, handled } = await countingServer(isLmtp ? lmtp : smtp);
      const answered = await converse(server, sent);
      await server.close();
      for (const { number, recipients: accepted, finished } of handled) {
        const told = answered.match(new RegExp(`^250 2\\.0\\.0 message ${number} recipient `, "gm"))?.length ?? 0;
        const expected = !finished ? 0 : isLmtp ? accepted : 1;
        assert.ok(
          told === expected || (told === 0 && isRefused(answered, isLmtp ? accepted : 1)),
          `${what}: ${answered}`,
        );
      }
      assert.equal(answered.match(/^250 2\.0\.0 message/gm)?.length ?? 0, positives(handled, answered, isLmtp), what);
    });
  });
}

/** A message with a stray line end was refused, with as many replies as it takes. */
function isRefused(answered: string, replies: number): boolean {
  const refusals = answered.match(/^554 5\.6\.0 /gm)?.length ?? 0;
  return refusals > 0 && refusals % replies === 0;
}

function positives(handled: readonly Handled[], answered: string, isLmtp: boolean): number {
  return handled
    .filter(({ finished, number }) => finished && answered.includes(`message ${number} `))
    .reduce((sum, { recipients: accepted }) => sum + (isLmtp ? accepted : 1), 0);
}

// The client's role: a hop that breaks off or garbles.

type Step = "greeting" | "hello" | "mail" | `rcpt ${number}` | "data" | `end ${number}` | "other";
/** What a hop says at a step; undefined: what an honest one says; "": nothing. */
type Script = (step: Step) => string | undefined;
type Damage = (said: Buffer, offset: number) => { readonly octets: Buffer; readonly hangUp?: boolean };

type HopUnderTest = { readonly hop: Hop; readonly finals: Map<number, string>; close(): void };

/** An honest hop, but for `script` and for `damage` done to all it says. Keeps its last word on each recipient. */
async function hopThat(protocol: "smtp" | "lmtp", script: Script, damage: Damage): Promise<HopUnderTest> {
  const finals = new Map<number, string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    const conversation = new HopConversation(socket, protocol, { script, damage, finals });
    conversation.say("greeting", "220 hop.example");
    let pending = "";
    socket.on("data", (octets) => {
      const lines = `${pending}${octets.toString("latin1")}`.split("\r\n");
      pending = lines.pop() ?? "";
      for (const line of lines) conversation.hear(line);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    hop: { protocol, address: { host: "127.0.0.1", port: address.port } },
    finals,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

type Conduct = { readonly script: Script; readonly damage: Damage; readonly finals: Map<number, string> };

class HopConversation {
  readonly #socket: Socket;
  readonly #protocol: "smtp" | "lmtp";
  readonly #conduct: Conduct;
  #offset = 0;
  #inMessage = false;
  #asked = 0;
  #accepted: number[] = [];

  constructor(socket: Socket, protocol: "smtp" | "lmtp", conduct: Conduct) {
    this.#socket = socket;
    this.#protocol = protocol;
    this.#conduct = conduct;
  }

  /** What went out in the end. */
  say(step: Step, honest: string): string {
    const said = this.#conduct.script(step) ?? honest;
    const { octets, hangUp } = this.#conduct.damage(Buffer.from(said === "" ? "" : `${said}\r\n`), this.#offset);
    this.#offset += octets.length;
    if (octets.length > 0) this.#socket.write(octets);
    if (hangUp || said === "421 close") this.#socket.end();
    return octets.toString("latin1");
  }

  hear(line: string): void {
    const verb = line.slice(0, 4);
    if (this.#inMessage) this.#endMessage(line);
    else if (verb === "EHLO" || verb === "LHLO") this.say("hello", "250-hop.example\r\n250-PIPELINING\r\n250 SIZE");
    else if (verb === "MAIL") this.say("mail", "250 2.1.0 ok");
    else if (verb === "RCPT") this.#addRecipient();
    else if (verb === "DATA") this.#beginMessage();
    else this.say("other", "250 2.0.0 ok");
  }

  #addRecipient(): void {
    const at = this.#asked++;
    if (this.say(`rcpt ${at}`, "250 2.1.5 ok").startsWith("2")) this.#accepted.push(at);
  }

  #beginMessage(): void {
    const honest = this.#accepted.length > 0 ? "354 go on" : "503 5.5.1 nobody";
    this.#inMessage = this.say("data", honest).startsWith("354");
  }

  #endMessage(line: string): void {
    if (line !== ".") return;
    this.#inMessage = false;
    const { finals } = this.#conduct;
    if (this.#protocol === "smtp") {
      const said = this.say("end 0", "250 2.0.0 served");
      for (const each of this.#accepted) finals.set(each, said);
      return;
    }
    // By LMTP a reply counts by its place: one that is left out moves the others up.
    const places = this.#accepted.values();
    for (const at of this.#accepted) {
      const said = this.say(`end ${at}`, `250 2.0.0 ${names[at]} served`);
      if (said !== "") finals.set(places.next().value as number, said);
    }
  }
}

const honest: Script = () => undefined;
const unharmed: Damage = (octets) => ({ octets });

/** Relays one message and holds the replies against what the hop said last. */
async function relayOnce({ hop, finals }: HopUnderTest, what: string): Promise<readonly Reply[]> {
  const pool = new RelayPool("gw.example", patience);
  const envelope = { reversePath: undefined, forwardPaths: recipients, parameters: {} };
  const replies = await pool.relay(hop, envelope, sourceOf(Buffer.from("Subject: x\r\n\r\n.a\r\n")));
  await pool.close();
  assert.equal(replies.length, recipients.length, what);
  for (const [at, answer] of replies.entries()) {
    if (isPositive(answer)) assert.match(finals.get(at) ?? "nothing", /^2/, `${what}: recipient ${at}`);
    assert.ok(answer.code >= 200 && answer.code < 600 && answer.code !== 421, `${what}: ${answer.code}`);
  }
  return replies;
}

const hopDamages: Readonly<Record<string, (at: number) => Damage>> = {
  "hangs up at": (at) => (octets, offset) =>
    offset + octets.length > at ? { octets: octets.subarray(0, Math.max(0, at - offset)), hangUp: true } : { octets },
  "falls silent at": (at) => (octets, offset) => ({ octets: octets.subarray(0, Math.max(0, at - offset)) }),
  "flips a bit at": (at) => (octets, offset) => ({
    octets: at >= offset && at < offset + octets.length ? flipped(octets, at - offset) : octets,
  }),
  "says 421 at": (at) => (octets, offset) =>
    offset + octets.length > at ? { octets: Buffer.from("421 4.3.2 going\r\n"), hangUp: true } : { octets },
};

function flipped(octets: Buffer, at: number): Buffer {
  return changed(octets, at, (octets[at] ?? 0) ^ 4);
}

for (const protocol of ["smtp", "lmtp"] as const) {
  for (const [name, damageAt] of Object.entries(hopDamages)) {
    test(`a hop that by ${protocol} ${name} any octet makes no 2xx that it did not say`, async () => {
      const whole = await hopThat(protocol, honest, (octets, offset) => {
        length = Math.max(length, offset + octets.length);
        return { octets };
      });
      let length = 0;
      assert.ok((await relayOnce(whole, "unharmed")).every(isPositive));
      whole.close();
      assert.ok(length > 100, `${length}`);
      await fewAtOnce(
        Array.from({ length }, (_, at) => at),
        async (at) => {
          const hop = await hopThat(protocol, honest, damageAt(at));
          await relayOnce(hop, `${name} ${at}`);
          hop.close();
        },
      );
    });
  }
}

const steps: readonly Step[] = [
  "greeting",
  "hello",
  "mail",
  "rcpt 0",
  "rcpt 1",
  "rcpt 2",
  "data",
  "end 0",
  "end 1",
  "end 2",
];
const words = [
  "250 2.0.0 yes",
  "354 go",
  "450 4.2.0 later",
  "550 5.1.1 no",
  "421 4.3.2 busy",
  "421 close",
  "",
  "what",
  "550-x",
];

test("whatever a hop says at whatever step, who waits by LMTP gets a reply per recipient, backed where it is 2xx", async () => {
  const cases = (["smtp", "lmtp"] as const).flatMap((protocol) =>
    steps.flatMap((step) => words.map((word) => ({ protocol, step, word }))),
  );
  await fewAtOnce(cases, async ({ protocol, step, word }) => {
    const what = `${protocol}: ${step} is answered "${word}"`;
    const under = await hopThat(protocol, (at) => (at === step ? word : undefined), unharmed);
    const pool = new RelayPool("gw.example", patience);
    const server = await listen(
      { host: "127.0.0.1", port: 0 },
      {
        dialect: lmtp,
        hostname: "gw.example",
        postmaster: recipients[0] as (typeof recipients)[0],
        limits: defaultLimits,
        handle: ({ envelope, message: octets }) => pool.relay(under.hop, envelope, octets),
        onFault: (thrown) => assert.fail(`${what}: ${thrown}`),
      },
    );
    const answered = await converse(server, `LHLO c\r\nMAIL FROM:<>\r\n${rcpt}DATA\r\n${message}.\r\nQUIT\r\n`);
    await server.close();
    await pool.close();
    under.close();
    const each = codes(answered).split(" ").slice(7);
    assert.equal(each.length, names.length + 1, `${what}: ${answered}`);
    assert.equal(each.pop(), "221", what);
    for (const [at, code] of each.entries()) {
      if (code.startsWith("2")) assert.match(under.finals.get(at) ?? "nothing", /^2/, what);
      else assert.match(code, /^(450|451|550)$/, what);
    }
  });
});

async function fewAtOnce<Case>(cases: readonly Case[], each: (one: Case) => Promise<void>): Promise<void> {
  const rest = cases.values();
  const work = async (): Promise<void> => {
    for (const one of rest) await each(one);
  };
  await Promise.all(Array.from({ length: 16 }, work));
}
