// Postern's own codec as the benchmarks see it: whole message in, whole message out, keys and certificates parsed once,
// every signature judged with its path and its domain.

import { collect, sourceOf } from "../../src/bytes.ts";
import { privateKeyOf } from "../../src/crypto.ts";
import { type KeyEntry, loadCertificates, loadKey } from "../../src/keystore.ts";
import { cipherFor, open, type ProtectOptions, protect, recipientFor, signatureFor } from "../../src/smime.ts";
import { signerJudge } from "../../src/trust.ts";
import type { Certificate } from "../../src/x509.ts";
import type { Parties } from "../parties.ts";
import type { Cipher, Form } from "./openssl-cms.ts";

export type Postern = {
  protect(message: Uint8Array, form: Form, cipher: Cipher): Promise<Uint8Array>;
  /** Fails where the verdict is not OK. */
  open(message: Uint8Array): Promise<Uint8Array>;
};

export async function postern({ signer, recipient }: Parties): Promise<Postern> {
  const signing = await loadOwn(signer);
  const receiving = await loadOwn(recipient);
  const anchors = await loadCertificates(signer.issuerFile);
  const recipients = [recipientFor(receiving.certificate, "B")];
  const scheme = signatureFor("B", signing.certificate);

  return {
    protect(message, form, cipherName) {
      const options: ProtectOptions = {
        signers: [{ ...signing, scheme, signingTime: new Date() }],
        chain: [],
        recipients,
        cipher: cipherFor("B", cipherName),
        form: form === "detached" ? "detached" : "opaque",
        innerEncoding: form === "binary" ? "binary" : "base64",
        ber: false,
        wholeUpTo: Number.POSITIVE_INFINITY, // memory to memory
      };
      return collect(protect(sourceOf(message), options));
    },
    async open(message) {
      const now = new Date();
      const judgeSigner = signerJudge({
        ...{ anchors, intermediates: [], crls: [], revocation: "ignore", now, legacy: false },
        binding: { kind: "domain", domain: "a.example" },
      });
      const binding = { domain: "a.example" };
      const opened = await open(sourceOf(message), {
        ...{ keys: [receiving], judgeSigner, certificates: [], legacy: false, now, binding },
      });
      if (opened.report.code !== "OK" || opened.content === undefined) throw new Error(JSON.stringify(opened.report));
      const content = await collect(opened.content());
      opened.dispose();
      return content;
    },
  };
}

async function loadOwn(files: { keyFile: string; certificateFile: string }) {
  const entry: KeyEntry = await loadKey({ key: files.keyFile, certificate: files.certificateFile });
  const certificate = entry.certificate as Certificate;
  return { key: privateKeyOf(entry.privateKey, certificate.publicKey), certificate };
}
