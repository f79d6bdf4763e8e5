// Tags as numbers: the identifier octet without its constructed bit; for tag numbers above 30 the number
// stands above the octet. So a low tag compares equal to the octet known from hex dumps.

export const tag = {
  endOfContents: 0x00,
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  sequence: 0x10,
  set: 0x11,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
} as const;

export const constructedBit = 0x20;

/** Types that BER may cut into segments and DER may not; their times too. */
export const stringTags: ReadonlySet<number> = new Set([
  tag.bitString,
  tag.octetString,
  tag.utf8String,
  tag.numericString,
  tag.printableString,
  tag.teletexString,
  tag.ia5String,
  tag.utcTime,
  tag.generalizedTime,
  tag.visibleString,
  tag.universalString,
  tag.bmpString,
]);

/** Context-specific tag [number]. */
export function context(number: number): number {
  return 0x80 | number;
}

const names = new Map<number, string>(Object.entries(tag).map(([name, value]) => [value, name]));

/** How messages name a tag. */
export function tagName(value: number): string {
  const known = names.get(value);
  if (known !== undefined) return known;
  const number = (value & 0x1f) === 0x1f ? value >>> 8 : value & 0x1f;
  return `[${["UNIVERSAL ", "APPLICATION ", "", "PRIVATE "][(value >> 6) & 3]}${number}]`;
}
