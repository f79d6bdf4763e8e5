// xtext (RFC 3461, section 4): how values with any ASCII travel in a parameter. Decoded values are printable ASCII;
// what decodes to anything else, a line end above all, is none.

const shape = /^(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*$/;
const printable = /^[ -~]*$/;

export function parseXtext(text: string): string | undefined {
  if (!shape.test(text)) return undefined;
  const decoded = text.replace(/\+(..)/g, (_, octet: string) => String.fromCharCode(Number.parseInt(octet, 16)));
  return printable.test(decoded) ? decoded : undefined;
}

/** Undefined for what no xtext of ours says. */
export function formatXtext(text: string): string | undefined {
  if (!printable.test(text)) return undefined;
  return text.replace(/[ +=]/g, (sign) => `+${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The form for addresses beyond ASCII (RFC 6533, section 3), `\x{E4}`; raw characters may come where SMTPUTF8 is on. */
export function parseUnicodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-[\]-~\u{a0}-\u{10ffff}]|\\x\{[0-9A-F]{2,6}\})*$/u.test(text)) return undefined;
  const points = [...text.matchAll(/\\x\{([0-9A-F]+)\}/g)].map(([, point = ""]) => Number.parseInt(point, 16));
  if (points.some((point) => point < 0x20 || (point >= 0x7f && point < 0xa0) || isNoCharacter(point))) return undefined;
  return text.replace(/\\x\{([0-9A-F]+)\}/g, (_, point: string) => String.fromCodePoint(Number.parseInt(point, 16)));
}

/** Always in its ASCII form, which every hop with DSN can carry. */
export function formatUnicodeXtext(text: string): string | undefined {
  if (/[^ -~\u{a0}-\u{10ffff}]|\p{Surrogate}/u.test(text)) return undefined;
  return text.replace(/[^!-*,-<>-[\]-~]/gu, (sign) => {
    const point = (sign.codePointAt(0) as number).toString(16).toUpperCase();
    return `\\x{${point}}`;
  });
}

function isNoCharacter(point: number): boolean {
  return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
}
