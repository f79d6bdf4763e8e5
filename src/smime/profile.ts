// Profiles: which algorithms a message to a peer is made with (spec S-5), by the key types of the certificates.
import type { EnvelopeRecipient } from "../cms.ts";
import {
  type AgreementScheme,
  type ContentCipher,
  CryptoError,
  contentEncryption,
  defaultScheme,
  type KeyTransport,
  keyAgreement,
  keyFits,
  keyTransport,
  type SignatureScheme,
  signatureSchemes,
} from "../crypto.ts";
import type { Certificate } from "../x509.ts";

export type ProfileName = "L" | "B" | "M" | "E";

type Profile = { readonly rsaSignature: string; readonly rsaKeys: string; readonly content: string };

const profiles: Readonly<Record<ProfileName, Profile>> = {
  L: { rsaSignature: "rsa-v15-sha256", rsaKeys: "rsa-v15", content: "aes128-cbc" },
  B: { rsaSignature: "rsa-v15-sha256", rsaKeys: "rsa-v15", content: "aes256-cbc" },
  M: { rsaSignature: "rsa-pss-sha256", rsaKeys: "rsa-oaep-sha256", content: "aes256-gcm" },
  E: { rsaSignature: "rsa-pss-sha256", rsaKeys: "rsa-oaep-sha256", content: "aes256-cbc" },
};

export const profileNames: readonly ProfileName[] = ["L", "B", "M", "E"];

/** B as soon as one certificate is RSA, else M: what every program reads, or what all of the newer ones do. */
export function defaultProfile(certificates: readonly Certificate[]): ProfileName {
  return certificates.some(({ publicKey }) => publicKey.asymmetricKeyType?.startsWith("rsa")) ? "B" : "M";
}

/** The signature scheme for a signer's certificate; `name` overrules the profile. What is below the floor is read only. */
export function signatureFor(
  profile: ProfileName,
  { publicKey }: Pick<Certificate, "publicKey">,
  name?: string,
): SignatureScheme {
  const chosen = name ?? (publicKey.asymmetricKeyType === "rsa" ? profiles[profile].rsaSignature : undefined);
  if (chosen === undefined) return defaultScheme(publicKey);
  const scheme = signatureSchemes.get(chosen);
  if (scheme === undefined || scheme.weak.length > 0)
    throw new CryptoError("CRYPTO_UNSUPPORTED", `no signature of the name ${chosen} to write with`);
  if (!keyFits(scheme.family, publicKey.asymmetricKeyType))
    throw new CryptoError("CRYPTO_KEY", `${chosen} is not made with ${publicKey.asymmetricKeyType} keys`);
  return scheme;
}

const agreeingKeys: ReadonlySet<string> = new Set(["ec", "x25519"]);

/** How the content key reaches a recipient; `name` overrules the profile. */
export function managementFor(
  profile: ProfileName,
  { publicKey }: Pick<Certificate, "publicKey">,
  name?: string,
): KeyTransport | AgreementScheme {
  const byType: Readonly<Record<string, string>> = {
    rsa: profiles[profile].rsaKeys,
    ec: "ecdh-sha256",
    x25519: "ecdh-hkdf-sha256",
  };
  const chosen = name ?? byType[publicKey.asymmetricKeyType ?? ""];
  const found =
    chosen === undefined
      ? undefined
      : (keyTransport.keyTransportNamed(chosen) ?? keyAgreement.agreementSchemes.get(chosen));
  if (found === undefined)
    throw new CryptoError(
      "CRYPTO_UNSUPPORTED",
      chosen === undefined ? "no key management for such keys" : `no key management of the name ${chosen}`,
    );
  if ("kdf" in found !== agreeingKeys.has(publicKey.asymmetricKeyType ?? ""))
    throw new CryptoError("CRYPTO_KEY", `${chosen} does not go with ${publicKey.asymmetricKeyType} keys`);
  return found;
}

/** The content cipher; `name` overrules the profile. What is below the floor is read, never written. */
export function cipherFor(profile: ProfileName, name?: string): ContentCipher {
  const cipher = contentEncryption.contentCiphers.get(name ?? profiles[profile].content);
  if (cipher === undefined || cipher.weak)
    throw new CryptoError("CRYPTO_UNSUPPORTED", `no content encryption of the name ${name} to write with`);
  return cipher;
}

export function recipientFor(
  certificate: Certificate,
  profile: ProfileName,
  options: { readonly management?: string; readonly identifier?: "issuer" | "ski" } = {},
): EnvelopeRecipient {
  return {
    certificate,
    identifier: options.identifier ?? "issuer",
    management: managementFor(profile, certificate, options.management),
  };
}
