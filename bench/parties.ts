// Who writes to whom in the benchmarks: one signer, one recipient, certificates issued by the root itself. A path with
// one signature is the shortest there is and so the least that a cache can save.

import { type Credential, makeCommunity } from "../test/interop/community.ts";

export type Parties = {
  readonly name: "RSA-2048" | "P-256";
  readonly signer: Credential;
  readonly recipient: Credential;
  /** The signature as Java names it. */
  readonly javaSignature: "SHA256withRSA" | "SHA256withECDSA";
};

export function rsaParties(): Parties {
  const { signing, encryption } = makeCommunity({ authority: "rsa2048", intermediate: false });
  return {
    name: "RSA-2048",
    signer: signing("a.example", "rsa2048"),
    recipient: encryption("b.example", "rsa2048"),
    javaSignature: "SHA256withRSA",
  };
}

export function ecParties(): Parties {
  const { signing, encryption } = makeCommunity({ authority: "p256", intermediate: false });
  return {
    name: "P-256",
    signer: signing("a.example", "p256"),
    recipient: encryption("b.example", "p256"),
    javaSignature: "SHA256withECDSA",
  };
}
