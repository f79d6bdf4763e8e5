// The private keys of a file: PEM or DER; PKCS #8 (RFC 5958), the older forms of RSA and EC, under a password or not.
import { createPrivateKey, type KeyObject, type PrivateKeyInput } from "node:crypto";
import { DerReader, tag } from "../asn1.ts";
import { asBuffer } from "../bytes.ts";
import type { FileObject } from "../x509.ts";
import { keyError } from "./errors.ts";

const keyLabels = new Set([
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
  "DSA PRIVATE KEY",
]);

/** The keys among the objects of `file`; other objects are passed over. */
export function privateKeysOf(objects: readonly FileObject[], file: string, password?: string): readonly KeyObject[] {
  return objects.flatMap((object) => {
    const form = formOf(object);
    return form === undefined ? [] : [readKey(form, `${file}: object ${object.number} (${object.label})`, password)];
  });
}

type KeyForm = { readonly input: PrivateKeyInput; readonly encrypted: boolean };

function formOf({ label, octets, armour }: FileObject): KeyForm | undefined {
  if (label === "DER") return derForm(octets);
  if (!keyLabels.has(label) || armour === undefined) return undefined;
  return { input: { key: armour, format: "pem" }, encrypted: /ENCRYPTED/.test(armour) };
}

// The four forms begin differently: version and algorithm, version and modulus, version and key octets; algorithm and
// ciphertext.
function derForm(octets: Uint8Array): KeyForm | undefined {
  const key = asBuffer(octets);
  const fields = new DerReader(octets).sequence();
  const first = fields.nextTag;
  fields.element();
  const second = fields.nextTag;
  if (first === tag.sequence && second === tag.octetString) {
    return { input: { key, format: "der", type: "pkcs8" }, encrypted: true };
  }
  if (first !== tag.integer) return undefined;
  const type = second === tag.sequence ? "pkcs8" : second === tag.integer ? "pkcs1" : "sec1";
  return { input: { key, format: "der", type }, encrypted: false };
}

function readKey({ input, encrypted }: KeyForm, where: string, password: string | undefined): KeyObject {
  if (encrypted && password === undefined) {
    throw keyError("KEY_PASSWORD", `${where}: is encrypted; name the file with its password`);
  }
  try {
    return createPrivateKey({ ...input, ...(encrypted && password !== undefined ? { passphrase: password } : {}) });
  } catch (cause) {
    // After a wrong password OpenSSL reports whatever the noise it decrypted made it stumble over.
    if (encrypted) throw keyError("KEY_PASSWORD", `${where}: the password does not open it`, { cause });
    throw keyError("KEY_UNREADABLE", `${where}: is no private key that OpenSSL can read`, { cause });
  }
}
