// The codec as a library: protect a letter, open it again, and judge who signed. In a folder with the keys and
// certificates of the README's lab:
//
//   npm install postern && npx node library.mjs < letter.eml     (npx finds the Node 26 that came along)
//
// Messages are streams of octets with CRLF line ends: anything that can be iterated asynchronously, node:fs and
// node:net streams among them. Nothing is handed on before all of it has been judged.

import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { certificatesInFile, cipherFor, open, privateKeyOf, protect, recipientFor, signatureFor } from "postern/smime";
import { signerJudge } from "postern/trust";

const certificate = (file) => certificatesInFile(readFileSync(file), file)[0];
const keyWith = (keyFile, certificateFile) => {
  const own = certificate(certificateFile);
  return { key: privateKeyOf(createPrivateKey(readFileSync(keyFile)), own.publicKey), certificate: own };
};

const now = new Date();
const signer = keyWith("sign.key", "sign.crt");

const sealed = protect(process.stdin, {
  signers: [{ ...signer, scheme: signatureFor("M", signer.certificate), signingTime: now }],
  recipients: [recipientFor(certificate("seal.crt"), "M")],
  cipher: cipherFor("M"),
  form: "opaque",
  innerEncoding: "base64",
  chain: [],
  ber: false,
});

const binding = { kind: "domain", domain: "treasury.example" };
const opened = await open(sealed, {
  keys: [keyWith("seal.key", "seal.crt")],
  judgeSigner: signerJudge({
    anchors: [certificate("ca.crt")],
    intermediates: [],
    crls: [],
    revocation: "ignore",
    legacy: false,
    now,
    binding,
  }),
  certificates: [],
  legacy: false,
  now,
  binding: { domain: binding.domain },
});

console.error(JSON.stringify(opened.report, undefined, 2));
if (opened.report.outcome === "opened") for await (const chunk of opened.content()) process.stdout.write(chunk);
opened.dispose();
