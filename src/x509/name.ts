// Distinguished names: read once, shown as RFC 4514 text, compared as RFC 5280 7.1 says.
import { DerReader, der, tag } from "../asn1.ts";
import { asBuffer, hex } from "../bytes.ts";

type Attribute = {
  readonly type: string;
  readonly valueTag: number;
  readonly value: Uint8Array;
  readonly encoded: Uint8Array;
};

// RFC 4514 3 and RFC 4519; emailAddress has no registered short name, this is what OpenSSL shows.
const shortNames: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.6", "C"],
  ["2.5.4.9", "STREET"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
  ["2.5.4.4", "SN"],
  ["2.5.4.42", "givenName"],
  ["2.5.4.12", "title"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.97", "organizationIdentifier"],
]);
const oidsByShortName: ReadonlyMap<string, string> = new Map([...shortNames].map(([oid, short]) => [short, oid]));

/** Throws ASN1_ failures where the octets are not a Name; afterwards the functions below cannot fail on them. */
export function requireName(octets: Uint8Array, offset: number): void {
  parseName(octets, offset);
}

/** RFC 4514 text: last RDN first. Everything that could disturb a terminal or a log is escaped. */
export function nameText(octets: Uint8Array): string {
  return parseName(octets)
    .map((rdn) => rdn.map(attributeText).join("+"))
    .reverse()
    .join(",");
}

/**
 * A text that two names share if and only if they are the same name: case and runs of blanks do not count in
 * character strings, nor does the string type (RFC 5280 7.1, without Unicode normalisation).
 */
export function nameKey(octets: Uint8Array): string {
  return JSON.stringify(parseName(octets).map((rdn) => rdn.map(attributeKey).sort()));
}

/** A Name of one attribute per RDN, first RDN first: `encodeName(["C", "DE"], ["O", "Treasury"])`. */
export function encodeName(...attributes: readonly (readonly [type: string, value: string])[]): Uint8Array {
  return der.sequence(
    ...attributes.map(([type, value]) => {
      const stringTag = type === "C" ? tag.printableString : asciiOnly(type) ? tag.ia5String : tag.utf8String;
      return der.setOf(der.sequence(der.oid(oidsByShortName.get(type) ?? type), der.text(stringTag, value)));
    }),
  );
}

function asciiOnly(type: string): boolean {
  return type === "DC" || type === "emailAddress";
}

function parseName(octets: Uint8Array, offset: number = 0): Attribute[][] {
  const outer = new DerReader(octets, offset);
  const rdnSequence = outer.sequence();
  outer.end("a name");
  const name: Attribute[][] = [];
  while (!rdnSequence.atEnd) {
    const set = rdnSequence.enter(tag.set);
    const rdn: Attribute[] = [];
    do rdn.push(parseAttribute(set.sequence()));
    while (!set.atEnd);
    name.push(rdn);
  }
  return name;
}

function parseAttribute(reader: DerReader): Attribute {
  const type = reader.oid();
  const valueTag = reader.nextTag;
  const encoded = reader.element();
  reader.end("an attribute of a name");
  return { type, valueTag, value: contentsOf(encoded), encoded };
}

// The element was already read once, so its header is well formed.
function contentsOf(encoded: Uint8Array): Uint8Array {
  const first = encoded[1] as number;
  return encoded.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}

function attributeText(attribute: Attribute): string {
  const type = shortNames.get(attribute.type);
  const text = type === undefined ? undefined : stringOf(attribute);
  return `${type ?? attribute.type}=${text === undefined ? `#${hex(attribute.encoded)}` : escapeValue(text)}`;
}

function attributeKey(attribute: Attribute): string {
  const text = stringOf(attribute);
  if (text === undefined) return `${attribute.type}=#${hex(attribute.encoded)}`;
  return `${attribute.type}=${text.trim().replace(/\s+/g, " ").toLowerCase()}`;
}

/** Undefined where the value is no character string, or its octets are none of its type. */
function stringOf({ valueTag, value }: Attribute): string | undefined {
  switch (valueTag) {
    case tag.utf8String:
      return utf8(value);
    case tag.printableString:
    case tag.ia5String:
    case tag.numericString:
    case tag.visibleString:
    case tag.teletexString:
      return asBuffer(value).toString("latin1");
    case tag.bmpString:
      return value.length % 2 === 0 ? Buffer.from(value).swap16().toString("utf16le") : undefined;
    default:
      return undefined;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(octets: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(octets);
  } catch {
    return undefined;
  }
}

function escapeValue(text: string): string {
  return text
    .replace(/["+,;<>\\]|^[ #]| $/g, "\\$&")
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
      [...Buffer.from(character, "utf8")].map((octet) => `\\${octet.toString(16).padStart(2, "0")}`).join(""),
    );
}
