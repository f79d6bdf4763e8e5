// What structured header fields are made of: blanks, comments, quoted strings, words (RFC 5322, 3.2). Floor 1.
//
// Every function moves on over what it read and never goes back, so reading takes time linear in the text.

export type Cursor = {
  readonly text: string;
  at: number;
  /** Readers differ over comments, so whoever decides trust wants to know of them. */
  comments: string[];
  /** A comment or quoted string that nobody closed. */
  unterminated: boolean;
};

export function cursorAt(text: string): Cursor {
  return { text, at: 0, comments: [], unterminated: false };
}

export function atEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.text.length;
}

/** Moves over `character` if it is next. */
export function skipCharacter(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at++;
  return true;
}

/** What a sticky expression matches next, "" where it does not. */
export function takeMatch(cursor: Cursor, sticky: RegExp): string {
  sticky.lastIndex = cursor.at;
  const found = sticky.exec(cursor.text)?.[0] ?? "";
  cursor.at += found.length;
  return found;
}

/** Moves over blanks and comments. */
export function skipCfws(cursor: Cursor): void {
  for (;;) {
    takeMatch(cursor, blanks);
    if (cursor.text[cursor.at] !== "(") return;
    takeComment(cursor);
  }
}

const blanks = /[ \t]*/y;

function takeComment(cursor: Cursor): void {
  const { text } = cursor;
  const from = cursor.at;
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "\\") at++;
    else if (character === "(") depth++;
    else if (character === ")" && --depth === 0) {
      cursor.comments.push(text.slice(from + 1, at));
      cursor.at = at + 1;
      return;
    }
  }
  cursor.comments.push(text.slice(from + 1));
  cursor.unterminated = true;
  cursor.at = text.length;
}

/** The text of the quoted string that begins here, its quoted pairs resolved. */
export function takeQuoted(cursor: Cursor): string {
  const { text } = cursor;
  let content = "";
  let from = cursor.at + 1;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && at + 1 < text.length) {
      content += text.slice(from, at);
      from = ++at;
    } else if (character === '"') {
      cursor.at = at + 1;
      return content + text.slice(from, at);
    }
  }
  cursor.unterminated = true;
  cursor.at = text.length;
  return content + text.slice(from);
}
