// Builds openssl-cms.c with the compiler that is there and loads it into this process: OpenSSL's CMS on the same
// libcrypto as node:crypto.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Parties } from "../parties.ts";

/** The signed layer inside the encrypted one: base64 or binary application/pkcs7-mime, or multipart/signed. */
export type Form = "opaque" | "binary" | "detached";

export type Cipher = "aes256-cbc" | "aes256-gcm";

export type OpenSslCms = {
  protect(entity: Buffer, form: Form, cipher: Cipher): Buffer;
  open(message: Buffer, form: Form): Buffer;
  /** The same by SMIME_write_CMS and SMIME_read_CMS; no binary form. */
  protectSmime(entity: Buffer, form: Form, cipher: Cipher): Buffer;
  openSmime(message: Buffer): Buffer;
};

type Addon = {
  parties(signingKey: Buffer, signingCertificate: Buffer, key: Buffer, certificate: Buffer, anchor: Buffer): unknown;
  protect(parties: unknown, entity: Buffer, form: number, authenticated: number): Buffer;
  open(parties: unknown, message: Buffer, form: number): Buffer;
  protectSmime(parties: unknown, entity: Buffer, form: number, authenticated: number): Buffer;
  openSmime(parties: unknown, message: Buffer): Buffer;
};

const forms = { opaque: 0, binary: 1, detached: 2 } as const;

let addon: Addon | undefined;

export function openSslCms({ signer, recipient }: Parties): OpenSslCms {
  addon ??= build();
  const { protect, open, protectSmime, openSmime, parties: prepare } = addon;
  const files = [
    signer.keyFile,
    signer.certificateFile,
    recipient.keyFile,
    recipient.certificateFile,
    signer.issuerFile,
  ];
  const parties = prepare(...(files.map((file) => readFileSync(file)) as [Buffer, Buffer, Buffer, Buffer, Buffer]));
  return {
    protect: (entity, form, cipher) => protect(parties, entity, forms[form], cipher === "aes256-gcm" ? 1 : 0),
    open: (message, form) => open(parties, message, forms[form]),
    protectSmime: (entity, form, cipher) => protectSmime(parties, entity, forms[form], cipher === "aes256-gcm" ? 1 : 0),
    openSmime: (message) => openSmime(parties, message),
  };
}

function build(): Addon {
  const source = join(import.meta.dirname, "openssl-cms.c");
  const folder = join(import.meta.dirname, "..", "build");
  const library = join(folder, "openssl-cms.node");
  const headers = join(dirname(process.execPath), "..", "include", "node"); // those of this very Node
  mkdirSync(folder, { recursive: true });
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-I", headers];
  execFileSync("gcc", [...flags, "-o", library, source], { stdio: "inherit" });
  return createRequire(import.meta.url)(library) as Addon;
}
