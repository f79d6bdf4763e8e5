import assert from "node:assert/strict";
import { test } from "node:test";
import { now, openedMail, protectedMail, recipient } from "../../test/correspondents.ts";
import { asEntity, entity, envelopedObject } from "../../test/objects.ts";
import { latin1, type MakeSpool, memorySpool, type Spool, sourceOf } from "../bytes.ts";
import { SecureMailError } from "../errors.ts";
import { open } from "./open.ts";
import { cipherFor } from "./profile.ts";
import { protect } from "./protect.ts";

const own = await recipient("rsa");
const sealed = await protectedMail({ to: [own] });

/** Spools that count who was disposed of; the one made last of `until` fails as a full disk does. */
function spools(until: number, failure: Error): { readonly makeSpool: MakeSpool; left(): number } {
  const living = new Set<Spool>();
  let made = 0;
  const makeSpool: MakeSpool = () => {
    const spool = memorySpool();
    const fails = ++made === until;
    living.add(spool);
    return {
      ...spool,
      write(chunk) {
        if (fails) throw failure;
        spool.write(chunk);
      },
      dispose() {
        spool.dispose();
        living.delete(spool);
      },
    };
  };
  return { makeSpool, left: () => living.size };
}

for (const failure of [new SecureMailError("SPILL_UNWRITABLE", "temporary", "the disk is full"), new Error("a bug")]) {
  for (const until of [1, 2]) {
    test(`${failure.message} on spool ${until}: no finding about the message, and no spool is left`, async () => {
      const { makeSpool, left } = spools(until, failure);
      await assert.rejects(openedMail(sealed, { keys: [own], makeSpool }), failure);
      assert.equal(left(), 0);
    });
  }
}

test("what was opened keeps one spool, until it is disposed of", async () => {
  const { makeSpool, left } = spools(Number.NaN, new Error("never"));
  const opened = await open(sourceOf(sealed), {
    ...{ keys: [own], certificates: [], legacy: false, now, makeSpool, binding: {} },
    judgeSigner: () => ({ path: { verdict: "valid", code: "OK" }, bound: true }),
  });
  assert.equal(opened.report.code, "OK");
  assert.equal(left(), 1);
  opened.dispose();
  assert.equal(left(), 0);
});

/** Repeats itself for ever, until it is let go. */
function endless(octets: Uint8Array): { readonly source: AsyncGenerator<Uint8Array>; letGo(): boolean } {
  let gone = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield octets;
    } finally {
      gone = true;
    }
  }
  return { source: source(), letGo: () => gone };
}

for (const { what, octets } of [
  { what: "cannot be read", octets: asEntity(latin1("no CMS"), "signed-data") },
  { what: "is for others", octets: asEntity(await envelopedObject(entity, { to: [own] }), "enveloped-data") },
  { what: "is ambiguous", octets: latin1("Content-Type: application/pkcs7-mime\r\nContent-Type: a/b\r\n\r\n") },
]) {
  test(`open lets its source go where the message ${what}`, async () => {
    const { source, letGo } = endless(octets);
    await openedMail(source);
    assert.ok(letGo());
  });
}

test("protect lets its source go where it refuses the message, and where nobody reads on", async () => {
  const options = { signers: [], chain: [], recipients: [], cipher: cipherFor("M"), form: "opaque" } as const;
  for (const header of ["Subject: bare\rCR\r\n\r\n", "Subject: right\r\n\r\n"]) {
    const { source, letGo } = endless(latin1(header));
    const octets = protect(source, { ...options, innerEncoding: "base64", ber: true });
    await octets.next().catch(() => {});
    await octets.return(undefined);
    assert.ok(letGo());
  }
});
