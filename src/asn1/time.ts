// UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 and RFC 5652 11.3 restrict them: seconds, Zulu, no fractions.
import { latin1 } from "../bytes.ts";
import { tag } from "./tag.ts";

const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** The instant, or undefined where the text is not of the restricted form. YY from 50 up is 19YY. */
export function parseTime(timeTag: number, text: string): Date | undefined {
  const match = (timeTag === tag.utcTime ? utcTime : generalizedTime).exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = timeTag === tag.utcTime ? year + (year < 50 ? 2000 : 1900) : year;
  const date = new Date(0);
  date.setUTCFullYear(fullYear, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A day that does not exist would roll over into the next month.
  const exists =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return exists ? date : undefined;
}

/** As reports write an instant: RFC 3339, to the second. */
export function formatInstant(date: Date): string {
  return date.toISOString().replace(/\.\d+/, "");
}

/** UTCTime through 2049, then GeneralizedTime. */
export function formatTime(date: Date): { readonly tag: number; readonly contents: Uint8Array } {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? { tag: tag.utcTime, contents: latin1(digits.slice(2)) }
    : { tag: tag.generalizedTime, contents: latin1(digits) };
}
