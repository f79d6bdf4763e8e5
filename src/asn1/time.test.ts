import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latin1Text } from "../bytes.ts";
import { tag } from "./tag.ts";
import { formatTime, parseTime } from "./time.ts";

const { utcTime, generalizedTime } = tag;

for (const { kind, text, instant } of [
  { kind: utcTime, text: "260601120000Z", instant: "2026-06-01T12:00:00.000Z" },
  { kind: utcTime, text: "491231235959Z", instant: "2049-12-31T23:59:59.000Z" },
  { kind: utcTime, text: "500101000000Z", instant: "1950-01-01T00:00:00.000Z" },
  { kind: utcTime, text: "000229000000Z", instant: "2000-02-29T00:00:00.000Z" },
  { kind: generalizedTime, text: "20500101000000Z", instant: "2050-01-01T00:00:00.000Z" },
  { kind: generalizedTime, text: "99991231235959Z", instant: "9999-12-31T23:59:59.000Z" },
  { kind: generalizedTime, text: "00010101000000Z", instant: "0001-01-01T00:00:00.000Z" },
]) {
  test(`${text} is ${instant}`, () => assert.equal(parseTime(kind, text)?.toISOString(), instant));
}

for (const { kind, text, why } of [
  { kind: utcTime, text: "2606011200Z", why: "no seconds" },
  { kind: utcTime, text: "260601120000+0100", why: "a zone" },
  { kind: utcTime, text: "260601120000", why: "no zone" },
  { kind: utcTime, text: "20260601120000Z", why: "four digits of year" },
  { kind: utcTime, text: "260229000000Z", why: "no such day" },
  { kind: utcTime, text: "261301000000Z", why: "no such month" },
  { kind: utcTime, text: "260001000000Z", why: "month 0" },
  { kind: utcTime, text: "260600000000Z", why: "day 0" },
  { kind: utcTime, text: "260601240000Z", why: "hour 24" },
  { kind: utcTime, text: "260601006000Z", why: "minute 60" },
  { kind: utcTime, text: "260601000060Z", why: "a leap second" },
  { kind: utcTime, text: "26060112000 Z", why: "a blank" },
  { kind: utcTime, text: "260601120000Z\n", why: "a line end" },
  { kind: generalizedTime, text: "20260601120000.5Z", why: "a fraction" },
  { kind: generalizedTime, text: "260601120000Z", why: "two digits of year" },
]) {
  test(`${JSON.stringify(text)} is no time: ${why}`, () => assert.equal(parseTime(kind, text), undefined));
}

test("an instant through 2049 is written as UTCTime, from 2050 on and before 1950 as GeneralizedTime", () => {
  for (const [instant, kind] of [
    ["1949-12-31T23:59:59Z", generalizedTime],
    ["1950-01-01T00:00:00Z", utcTime],
    ["2049-12-31T23:59:59Z", utcTime],
    ["2050-01-01T00:00:00Z", generalizedTime],
  ] as const) {
    assert.equal(formatTime(new Date(instant)).tag, kind, instant);
  }
});

test("every instant of four digits of year comes back to the second", () => {
  const range = { min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true };
  fc.assert(
    fc.property(fc.date(range), (date) => {
      const { tag: kind, contents } = formatTime(date);
      assert.equal(parseTime(kind, latin1Text(contents))?.getTime(), Math.floor(date.getTime() / 1000) * 1000);
    }),
  );
});
