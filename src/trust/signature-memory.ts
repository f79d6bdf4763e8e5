// Whether one certificate's key signed another. The answer is mathematics: it does not depend on anchors or time, so
// it is the one thing that is remembered, as long as both certificates are (x509's cache keeps them).
import { algorithmName, certificateSignatureSchemeOf, parseAlgorithmIdentifier, verifySignature } from "../crypto.ts";
import { isSecureMailError } from "../errors.ts";
import type { Certificate } from "../x509.ts";

/** A certificate or a CRL. */
export type Signed = {
  readonly tbs: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
};

export type SignatureCheck =
  | { readonly kind: "valid"; readonly weak: readonly string[] }
  | { readonly kind: "SIGNATURE" | "ALGORITHM" | "KEY"; readonly detail: string };

const remembered = new WeakMap<Signed, WeakMap<Certificate, SignatureCheck>>();

export function checkSignature(signed: Signed, issuer: Certificate): SignatureCheck {
  let byIssuer = remembered.get(signed);
  if (byIssuer === undefined) {
    byIssuer = new WeakMap();
    remembered.set(signed, byIssuer);
  }
  let check = byIssuer.get(issuer);
  if (check === undefined) {
    check = computeCheck(signed, issuer);
    byIssuer.set(issuer, check);
  }
  return check;
}

function computeCheck(signed: Signed, issuer: Certificate): SignatureCheck {
  try {
    const identifier = parseAlgorithmIdentifier(signed.signatureAlgorithm);
    const scheme = certificateSignatureSchemeOf(identifier);
    if (scheme === undefined)
      return { kind: "ALGORITHM", detail: `signature algorithm ${algorithmName(identifier.oid)} is not implemented` };
    return verifySignature(scheme, issuer.publicKey, signed.tbs, signed.signature)
      ? { kind: "valid", weak: scheme.weak }
      : { kind: "SIGNATURE", detail: `the signature is not that of ${issuer.subject}` };
  } catch (thrown) {
    if (!isSecureMailError(thrown)) throw thrown;
    return { kind: thrown.code === "X509_KEY" ? "KEY" : "ALGORITHM", detail: thrown.message };
  }
}
