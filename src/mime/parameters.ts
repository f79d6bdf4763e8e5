// Parameters that were cut in pieces or carry a character set (RFC 2231). Floor 1, see ../mime.ts.

export type WrittenParameter = { readonly name: string; readonly value: string };

type Piece = { readonly value: string; readonly encoded: boolean };

/** All forms in which one parameter was given. */
type Forms = { plain?: string; extended?: Piece; pieces?: Map<number, Piece> };

/**
 * Puts each parameter together under its own name.
 *
 * Readers differ over a parameter given twice, given in pieces, or given plain and by RFC 2231; each is a problem.
 * Only a file name may stand in both forms, which RFC 6266 made a habit; then the RFC 2231 form is the better one.
 */
export function joinParameters(written: readonly WrittenParameter[], problems: string[]): Map<string, string> {
  const byName = new Map<string, Forms>();
  for (const { name, value } of written) sortIn(byName, name, value, problems);
  const joined = new Map<string, string>();
  for (const [name, forms] of byName) {
    const value = joinForms(name, forms, problems);
    if (value !== undefined) joined.set(name, value);
  }
  return joined;
}

/** Whether a parameter, as written, gives a name to save under. */
export function isFileName(parameter: string): boolean {
  return /^(?:file)?name(?:\*|$)/.test(parameter);
}

const rfc2231Name = /^([^*]+)(?:\*(0|[1-9]\d{0,2}))?(\*)?$/;

function sortIn(byName: Map<string, Forms>, written: string, value: string, problems: string[]): void {
  const [, name, section, star] = rfc2231Name.exec(written) ?? [];
  if (name === undefined) {
    problems.push(`parameter ${written} not readable`);
    return;
  }
  const forms = byName.get(name) ?? {};
  byName.set(name, forms);
  const piece = { value, encoded: star !== undefined };
  if (section !== undefined) {
    forms.pieces ??= new Map();
    if (forms.pieces.has(Number(section))) problems.push(`${name}*${section} given twice`);
    else forms.pieces.set(Number(section), piece);
  } else if (piece.encoded) {
    if (forms.extended !== undefined) problems.push(`${name}* given twice`);
    forms.extended ??= piece;
  } else {
    if (forms.plain !== undefined) problems.push(`${name} given twice`);
    forms.plain ??= value;
  }
}

function joinForms(name: string, forms: Forms, problems: string[]): string | undefined {
  const { plain, extended, pieces } = forms;
  if (extended === undefined && pieces === undefined) return plain;
  const several = [plain, extended, pieces].filter((form) => form !== undefined).length > 1;
  if (!isFileName(name) || (several && plain === undefined)) problems.push(`${name} by RFC 2231`);
  const inOrder = pieces === undefined ? [] : inSequence(name, pieces, problems);
  return decodeExtended(extended === undefined ? inOrder : [extended]) ?? plain;
}

function inSequence(name: string, pieces: Map<number, Piece>, problems: string[]): Piece[] {
  const inOrder: Piece[] = [];
  for (let section = 0; ; section++) {
    const piece = pieces.get(section);
    if (piece === undefined) break;
    inOrder.push(piece);
  }
  if (inOrder.length !== pieces.size) problems.push(`${name} with a piece missing`);
  return inOrder;
}

/** The first piece, where it is encoded, names the character set for all: charset'language'text. */
function decodeExtended(pieces: readonly Piece[]): string | undefined {
  const first = pieces[0];
  if (first === undefined) return undefined;
  const [charset, , ...rest] = first.encoded ? first.value.split("'") : [];
  if (charset === undefined || rest.length === 0) return pieces.map((piece) => piece.value).join("");
  const octets = pieces.map((piece, index) => octetsOf(index === 0 ? rest.join("'") : piece.value, piece.encoded));
  return decodeCharset(Buffer.concat(octets), charset);
}

function octetsOf(text: string, encoded: boolean): Buffer {
  if (!encoded) return Buffer.from(text);
  return Buffer.from(text.replace(/%([0-9A-Fa-f]{2})/g, percentText), "latin1");
}

function percentText(_: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16));
}

function decodeCharset(octets: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset || "utf-8").decode(octets);
  } catch {
    return Buffer.from(octets).toString("latin1");
  }
}
