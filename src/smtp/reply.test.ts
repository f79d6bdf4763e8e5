import assert from "node:assert/strict";
import { test } from "node:test";
import { lmtp, smtp } from "./lmtp.ts";
import { formatReply, parseReply, reply } from "./reply.ts";

test("a reply of several lines carries its status on each", () => {
  assert.equal(formatReply(reply(550, "5.1.1", "a", "b")), "550-5.1.1 a\r\n550 5.1.1 b\r\n");
  assert.deepEqual(parseReply(["550-5.1.1 a", "550 5.1.1 b"]), reply(550, "5.1.1", "a", "b"));
});

test("a status of another class is text", () => {
  assert.deepEqual(parseReply(["250 5.1.1 odd"]), reply(250, undefined, "5.1.1 odd"));
});

test("a text cannot end the reply it stands in", () => {
  assert.equal(formatReply(reply(451, "4.0.0", "a\r\n250 ok\0ä")), "451 4.0.0 a??250 ok??\r\n");
});

for (const lines of [["hello"], ["100 x"], ["600 x"], ["25 x"], ["250x"], ["250-a", "251 b"]]) {
  test(`${lines.join(" / ")} is no reply`, () => {
    assert.throws(() => parseReply(lines), { code: "SMTP_REPLY_MALFORMED" });
  });
}

const ok = reply(250, "2.0.0", "ok");
const no = reply(550, "5.1.1", "no");
const later = reply(452, "4.2.2", "full");
for (const [replies, code, status] of [
  [[ok, ok], 250, "2.0.0"],
  [[no, no], 550, "5.1.1"],
  [[ok, no], 451, "4.3.0"],
  [[no, later], 451, "4.2.2"],
  [[ok, later, no], 451, "4.2.2"],
] as const) {
  test(`SMTP answers ${replies.map((one) => one.code).join(" and ")} with ${code}, LMTP with each`, () => {
    const answers = smtp.answersToMessage(replies);
    assert.deepEqual([answers.length, answers[0]?.code, answers[0]?.enhancedStatus], [1, code, status]);
    assert.deepEqual(lmtp.answersToMessage(replies), replies);
  });
}
