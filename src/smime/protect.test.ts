import assert from "node:assert/strict";
import { test } from "node:test";
import { openedMail, protectedMail, recipient, root, signer } from "../../test/correspondents.ts";
import { certify, ecPair } from "../../test/mint.ts";
import { recipientFor } from "./profile.ts";
import type { ProtectOptions } from "./protect-options.ts";

const signing = await signer();
const own = await recipient("p256");
const usual = { signers: [signing], recipients: [recipientFor(own.certificate, "M")], chain: [] };

function times<Value>(count: number, value: Value): Value[] {
  return Array.from({ length: count }, () => value);
}

for (const { what, most, tooMany } of [
  { what: "signers", most: { signers: times(8, signing) }, tooMany: { signers: times(9, signing) } },
  {
    what: "recipients",
    most: { recipients: times(200, usual.recipients[0]) },
    tooMany: { recipients: times(201, usual.recipients[0]) },
  },
  {
    what: "certificates",
    most: { chain: times(99, root.certificate) },
    tooMany: { chain: times(100, root.certificate) },
  },
]) {
  test(`as many ${what} as open reads are written, and not one more`, async () => {
    const sealed = await protectedMail({ ...usual, ...most } as Partial<ProtectOptions>);
    assert.equal((await openedMail(sealed, { keys: [own] })).report.code, "OK");
    await assert.rejects(protectedMail({ ...usual, ...tooMany } as Partial<ProtectOptions>), {
      code: "CMS_LIMIT",
      message: new RegExp(`^\\d+ ${what}, more than \\d+$`),
    });
  });
}

for (const { keyUsage, signs, reads } of [
  { keyUsage: ["digitalSignature"], signs: true, reads: false },
  { keyUsage: ["nonRepudiation"], signs: true, reads: false },
  { keyUsage: ["keyAgreement"], signs: false, reads: true },
  { keyUsage: ["keyEncipherment"], signs: false, reads: true },
  { keyUsage: ["digitalSignature", "keyAgreement"], signs: true, reads: true },
  { keyUsage: ["keyCertSign", "cRLSign", "dataEncipherment"], signs: false, reads: false },
] as const) {
  test(`a certificate for ${keyUsage.join(" and ")} ${signs ? "signs" : "does not sign"}, ${reads ? "reads" : "does not read"}`, async () => {
    const { certificate, key } = await certify("Narrow", { issuer: root, keyUsage, pair: ecPair("P-256") });
    const attempts = [
      { fits: signs, purpose: "signing", changes: { signers: [{ ...signing, key, certificate }] } },
      { fits: reads, purpose: "encryption", changes: { recipients: [recipientFor(certificate, "M")] } },
    ];
    for (const { fits, purpose, changes } of attempts) {
      const attempt = protectedMail({ ...usual, ...changes });
      if (fits) assert.ok((await attempt).length > 0);
      else
        await assert.rejects(attempt, {
          code: "CRYPTO_KEY",
          message: `the certificate of ${certificate.subject} is not for ${purpose}`,
        });
    }
  });
}
