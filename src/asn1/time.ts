// UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 and RFC 5652 11.3 restrict them: seconds, Zulu, no fractions.
import { latin1 } from "../bytes.ts";
import { tag } from "./tag.ts";

const utcTime = /^\d{12}Z$/;
const generalizedTime = /^\d{14}Z$/;

/** The instant, or undefined where the text is not of the restricted form. YY from 50 up is 19YY. */
export function parseTime(timeTag: number, text: string): Date | undefined {
  if (!(timeTag === tag.utcTime ? utcTime : generalizedTime).test(text)) return undefined;
  const digits = timeTag === tag.generalizedTime ? text : `${text < "50" ? "20" : "19"}${text}`;
  const part = (at: number): string => digits.slice(at, at + 2);
  const day = part(6);
  const date = new Date(`${digits.slice(0, 4)}-${part(4)}-${day}T${part(8)}:${part(10)}:${part(12)}Z`);
  // A day that does not exist rolls over into the next month, hour 24 into the next day.
  return date.getUTCDate() === Number(day) ? date : undefined;
}

/** As reports write an instant: RFC 3339, to the second. */
export function formatInstant(date: Date): string {
  return `${date.toISOString().slice(0, -5)}Z`;
}

/** UTCTime through 2049, then GeneralizedTime. */
export function formatTime(date: Date): { readonly tag: number; readonly contents: Uint8Array } {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? { tag: tag.utcTime, contents: latin1(digits.slice(2)) }
    : { tag: tag.generalizedTime, contents: latin1(digits) };
}
