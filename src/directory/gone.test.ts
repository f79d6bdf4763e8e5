import assert from "node:assert/strict";
import { test } from "node:test";
import { type DomainName, parseDomainName } from "../domain.ts";
import { parseLdif } from "../ldif.ts";
import { describeGone, goneWaitsMs, type Remembered, remember, withGone } from "./gone.ts";
import { makeSnapshot } from "./snapshot.ts";

const start = new Date("2026-11-23T09:00:00Z");
const later = (ms: number): Date => new Date(start.getTime() + ms);
const domain = (text: string) => parseDomainName(text) as DomainName;

type Entry = { readonly domains: readonly string[]; readonly status?: string; readonly subdomains?: boolean };

function snapshotOf(...entries: readonly Entry[]) {
  const records = entries.map(({ domains, status = "active", subdomains = false }, at) =>
    [
      `dn: cn=${at}`,
      "objectClass: posternMember",
      ...domains.map((name) => `associatedDomain: ${name}`),
      `posternStatus: ${status}`,
      `posternIncludeSubdomains: ${subdomains ? "TRUE" : "FALSE"}`,
    ].join("\n"),
  );
  return makeSnapshot(1, parseLdif(Buffer.from(`version: 1\n\n${records.join("\n\n")}\n`)));
}

/** Takes up one directory after the other, each an hour after the last. */
function history(...all: readonly (readonly Entry[])[]) {
  let remembered: readonly Remembered[] = [];
  let snapshot = snapshotOf();
  for (const [hour, entries] of all.entries()) {
    const plain = snapshotOf(...entries);
    remembered = remember(remembered, plain, later(hour * 3600_000), new Set(["ours.example"]));
    snapshot = withGone(plain, remembered);
  }
  const at = later((all.length - 1) * 3600_000);
  const gone = (name: string, when = at) => snapshot.findGone(domain(name), when)?.domain;
  return { remembered, snapshot, gone, at };
}

const a: Entry = { domains: ["a.example"] };
const b: Entry = { domains: ["b.example"] };

test("a member whose entry vanishes is gone, not a stranger, until seven days are over", () => {
  const { gone, snapshot, at } = history([a, b], [b]);
  assert.deepEqual(
    snapshot.gone.map((one) => one.domain),
    ["a.example"],
  );
  assert.equal(gone("a.example", new Date(at.getTime() + goneWaitsMs - 1)), "a.example");
  assert.equal(gone("a.example", new Date(at.getTime() + goneWaitsMs)), undefined);
  assert.equal(gone("x.a.example"), undefined);
  assert.equal(gone("c.example"), undefined);
  const [one] = snapshot.gone;
  assert.ok(one);
  assert.equal(
    describeGone(one),
    "the entry of a.example is gone since 2026-11-23 10:00 UTC; if it left, say posternStatus: left; mail to it waits until 2026-11-30 10:00 UTC",
  );
});

test("the time runs from when it was missed first, and ends", () => {
  const { remembered, at } = history([a, b], [b], [b], [b]);
  const [missed] = remembered.filter(({ gone }) => gone !== undefined);
  assert.deepEqual(missed?.gone, later(3600_000));
  const over = remember(remembered, snapshotOf(b), new Date(at.getTime() + goneWaitsMs), new Set());
  assert.deepEqual(
    over.map((one) => one.domain),
    ["b.example"],
  );
});

for (const { what, before, after, asked, answer } of [
  { what: "who said left", before: [[a], [{ ...a, status: "left" }]], after: [b], asked: "a.example" },
  { what: "who says left", before: [[a]], after: [{ ...a, status: "left" }], asked: "a.example" },
  {
    what: "who was only suspended",
    before: [[{ ...a, status: "suspended" }]],
    after: [b],
    asked: "a.example",
    answer: "a.example",
  },
  { what: "who came back", before: [[a], [b]], after: [a, b], asked: "a.example" },
  {
    what: "a domain that one entry no longer names",
    before: [[{ domains: ["a.example", "c.example"] }]],
    after: [a],
    asked: "c.example",
    answer: "c.example",
  },
  {
    what: "who is below an entry that spoke for it",
    before: [[{ ...a, subdomains: true }]],
    after: [b],
    asked: "x.y.a.example",
    answer: "a.example",
  },
  { what: "who is below an entry that did not", before: [[a]], after: [b], asked: "x.a.example" },
  {
    what: "who is below two, the nearer of which did not speak for it",
    before: [[{ ...a, subdomains: true }, { domains: ["y.a.example"] }]],
    after: [b],
    asked: "x.y.a.example",
  },
  {
    what: "who has an entry of its own that left, below one that is gone",
    before: [[{ ...a, subdomains: true }]],
    after: [{ domains: ["y.a.example"], status: "left" }],
    asked: "y.a.example",
  },
  {
    what: "whose own entry is gone, below one that left",
    before: [[{ domains: ["y.a.example"] }]],
    after: [{ ...a, subdomains: true, status: "left" }],
    asked: "y.a.example",
    answer: "y.a.example",
  },
  { what: "a domain served here", before: [[{ domains: ["ours.example"] }]], after: [b], asked: "ours.example" },
] as const) {
  test(`${what} is ${answer === undefined ? "not gone" : `gone with ${answer}`}`, () => {
    assert.equal(history(...before, after).gone(asked), answer);
  });
}

test("whose entry is gone, but for whom an entry above speaks, is served by that one and not named", () => {
  const above: Entry = { ...a, subdomains: true };
  const { snapshot } = history([above, { domains: ["y.a.example"] }], [above]);
  assert.equal(snapshot.find(domain("y.a.example"))?.domain, "a.example");
  assert.deepEqual(snapshot.gone, []);
});
