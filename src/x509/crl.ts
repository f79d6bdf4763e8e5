// Certificate revocation lists (RFC 5280, 5): read whole, so that a list that is broken anywhere is no evidence.
import { context, DerReader, tag } from "../asn1.ts";
import { equalOctets, hex } from "../bytes.ts";
import { namingField, x509Error } from "./errors.ts";
import { type Extension, readExtension } from "./extensions.ts";
import { nameKey, nameText, requireName } from "./name.ts";

export type Crl = {
  readonly octets: Uint8Array;
  readonly issuer: string;
  /** Equal to a certificate's `issuerKey` if and only if the names are equal. */
  readonly issuerKey: string;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  readonly signatureAlgorithm: Uint8Array;
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  readonly extensions: readonly Extension[];
  /** OIDs of critical extensions, of the list or of an entry, that are not read here: nothing can be told from it. */
  readonly otherCritical: readonly string[];
  /** When the certificate with this serial number (contents octets of the INTEGER) was revoked, if it is listed. */
  revocationDate(serial: Uint8Array): Date | undefined;
};

// Reason, hold instruction, invalidity date: whatever they say, the certificate is listed.
const readEntryExtensions = new Set(["2.5.29.21", "2.5.29.23", "2.5.29.24"]);

// LIMIT: the largest public lists have some 30 MB.
export const maxCrlOctets: number = 64 * 1024 * 1024;

/** Reads a DER CRL; X509_MALFORMED names field and offset. */
export function parseCrl(octets: Uint8Array): Crl {
  if (octets.length > maxCrlOctets) throw x509Error("X509_LIMIT", `a CRL of ${octets.length} octets`, { offset: 0 });
  try {
    const outer = new DerReader(octets);
    const list = outer.sequence();
    outer.end("CertificateList");
    const tbsOffset = list.offset;
    const tbs = list.element();
    const signatureAlgorithm = list.element();
    const { octets: signature } = list.bitString();
    list.end("CertificateList");
    const { innerAlgorithm, issuerName, entries, ...fields } = readTbs(new DerReader(tbs, tbsOffset).sequence());
    if (!equalOctets(innerAlgorithm, signatureAlgorithm)) {
      throw x509Error("X509_MALFORMED", "two different signature algorithms", { field: "signatureAlgorithm" });
    }
    const issuer = nameText(issuerName);
    const revocationDate = (serial: Uint8Array) => entries.get(hex(serial));
    return {
      octets,
      tbs,
      signatureAlgorithm,
      signature,
      issuer,
      issuerKey: nameKey(issuerName),
      revocationDate,
      ...fields,
    };
  } catch (thrown) {
    throw namingField(thrown, "CRL");
  }
}

type Revocations = ReadonlyMap<string, Date>;
type TbsFields = Pick<Crl, "thisUpdate" | "nextUpdate" | "extensions" | "otherCritical"> & {
  readonly innerAlgorithm: Uint8Array;
  readonly issuerName: Uint8Array;
  readonly entries: Revocations;
};

function readTbs(reader: DerReader): TbsFields {
  if (reader.nextIs(tag.integer) && reader.integer() !== 1) {
    throw x509Error("X509_MALFORMED", "a CRL of a version that does not exist", { field: "version" });
  }
  const innerAlgorithm = reader.element();
  const { offset } = reader;
  const issuerName = reader.element();
  requireName(issuerName, offset);
  const thisUpdate = reader.time();
  const nextUpdate = isTime(reader.nextTag) ? { nextUpdate: reader.time() } : {};
  const critical = new Set<string>();
  const entries = readEntries(reader.optional(tag.sequence), critical);
  const extensions = readOptionalExtensions(reader.optional(context(0))?.sequence());
  reader.end("TBSCertList");
  for (const extension of extensions) if (extension.critical) critical.add(extension.oid);
  return { innerAlgorithm, issuerName, thisUpdate, ...nextUpdate, entries, extensions, otherCritical: [...critical] };
}

function isTime(nextTag: number): boolean {
  return nextTag === tag.utcTime || nextTag === tag.generalizedTime;
}

function readEntries(reader: DerReader | undefined, critical: Set<string>): Revocations {
  const entries = new Map<string, Date>();
  while (reader !== undefined && !reader.atEnd) {
    const entry = reader.sequence();
    const serial = hex(entry.integerOctets());
    entries.set(serial, entry.time());
    for (const extension of readOptionalExtensions(entry.optional(tag.sequence))) {
      if (extension.critical && !readEntryExtensions.has(extension.oid)) critical.add(extension.oid);
    }
    entry.end("a revoked certificate");
  }
  return entries;
}

function readOptionalExtensions(reader: DerReader | undefined): Extension[] {
  const extensions: Extension[] = [];
  while (reader !== undefined && !reader.atEnd) extensions.push(readExtension(reader).extension);
  return extensions;
}
