// The media types of S/MIME (RFC 8551, 3.2 to 3.10), to write the new ones and to recognise old and new.
import { randomBytes } from "node:crypto";
import { concat, latin1 } from "../bytes.ts";
import type { ContentCipher, Digest } from "../crypto.ts";
import {
  fieldNamed,
  fieldText,
  formatBoundary,
  formatDelimiters,
  type HeaderBlock,
  mediaTypeOf,
  parseMediaType,
} from "../mime.ts";

export type SmimeType = "signed-data" | "enveloped-data" | "authEnveloped-data";

export function encryptedType(cipher: ContentCipher): SmimeType {
  return cipher.mode === "aead" ? "authEnveloped-data" : "enveloped-data";
}

/** Binary is for inside encryption only (spec S-3.4). */
export function innerEncodingOf(options: {
  readonly innerEncoding: "base64" | "binary";
  readonly recipients: readonly unknown[];
}): "base64" | "binary" {
  return options.recipients.length === 0 ? "base64" : options.innerEncoding;
}

export function newBoundary(): string {
  return formatBoundary(randomBytes(16));
}

/** The content fields of an application/pkcs7-mime entity, each with its CRLF; the empty line is not among them. */
export function smimeFields(type: SmimeType, transferEncoding: "base64" | "binary"): string {
  return (
    `Content-Type: application/pkcs7-mime; smime-type=${type}; name=smime.p7m\r\n` +
    `Content-Transfer-Encoding: ${transferEncoding}\r\n` +
    "Content-Disposition: attachment; filename=smime.p7m\r\n"
  );
}

export type MultipartSignedPieces = {
  readonly fields: string;
  /** Before the signed part, between it and the signature's base64, behind that. */
  readonly head: Uint8Array;
  readonly between: Uint8Array;
  readonly tail: Uint8Array;
};

/** The octets around the two parts of a multipart/signed (RFC 8551, 3.5.3). */
export function multipartSignedPieces(boundary: string, digests: readonly Digest[]): MultipartSignedPieces {
  const { first, next, close } = formatDelimiters(boundary);
  const micalg = digests.map((digest) => digest.micalg).join(",");
  return {
    fields:
      `Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n` +
      ` micalg=${digests.length > 1 ? `"${micalg}"` : micalg}; boundary="${boundary}"\r\n`,
    head: first,
    between: concat([
      next,
      latin1(
        "Content-Type: application/pkcs7-signature; name=smime.p7s\r\n" +
          "Content-Transfer-Encoding: base64\r\n" +
          "Content-Disposition: attachment; filename=smime.p7s\r\n\r\n",
      ),
    ]),
    tail: close,
  };
}

/** What an entity is to S/MIME, by its header alone; the CMS object inside has the last word. */
export type SmimeKind =
  | { readonly kind: "cms" }
  | { readonly kind: "multipartSigned"; readonly boundary: string; readonly micalg: string }
  | { readonly kind: "none" };

const cmsTypes: ReadonlySet<string> = new Set(["application/pkcs7-mime", "application/x-pkcs7-mime"]);
const signatureTypes: ReadonlySet<string> = new Set(["application/pkcs7-signature", "application/x-pkcs7-signature"]);
const cmsFileName = /\.p7[mcsz]$/i;

export function smimeKindOf(header: HeaderBlock): SmimeKind {
  const { type, parameters } = mediaTypeOf(header);
  if (cmsTypes.has(type)) return { kind: "cms" };
  if (type === "multipart/signed") {
    const protocol = (parameters.get("protocol") ?? "").toLowerCase();
    const boundary = parameters.get("boundary");
    if (boundary === undefined || !signatureTypes.has(protocol)) return { kind: "none" };
    return { kind: "multipartSigned", boundary, micalg: parameters.get("micalg") ?? "" };
  }
  // RFC 8551 3.10: mailers that do not know the type send octet-stream, and the file's name is all that is left.
  if (type !== "application/octet-stream") return { kind: "none" };
  const disposition = fieldNamed(header, "Content-Disposition");
  const fileName =
    disposition === undefined ? undefined : parseMediaType(`x/${fieldText(disposition)}`)?.parameters.get("filename");
  return cmsFileName.test(fileName ?? parameters.get("name") ?? "") ? { kind: "cms" } : { kind: "none" };
}

export function isSignaturePart(header: HeaderBlock): boolean {
  const { type, parameters } = mediaTypeOf(header);
  return (
    signatureTypes.has(type) || (type === "application/octet-stream" && /\.p7s$/i.test(parameters.get("name") ?? ""))
  );
}
