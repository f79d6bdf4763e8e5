// The one error type for "this message, file or peer cannot go on". Floor 0.
//
// A verdict (outcome of judging) is a value, a failure is a SecureMailError, a bug is an assertion.

/** `temporary`: trying again may help. `permanent`: it will not. */
export type Fault = "temporary" | "permanent";

/** Where in the input a failure was found; at least one of the two for everything that was read. */
export type Place = {
  /** Octets from the start of what the parser was given. */
  readonly offset?: number;
  readonly field?: string;
};

/**
 * A failure with a permanent code `AREA_WHAT`. Texts may change, codes are retired but never reused.
 *
 * @see docs/errors.md
 */
export class SecureMailError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly fault: Fault;
  readonly place: Place;

  constructor(code: Code, fault: Fault, message: string, options: ErrorOptions & Place = {}) {
    const { offset, field, cause } = options;
    const where = [field, offset === undefined ? undefined : `offset ${offset}`].filter((part) => part !== undefined);
    super(where.length === 0 ? message : `${message} (${where.join(", ")})`, cause === undefined ? {} : { cause });
    this.name = "SecureMailError";
    this.code = code;
    this.fault = fault;
    this.place = { ...(offset === undefined ? {} : { offset }), ...(field === undefined ? {} : { field }) };
  }
}

/** Narrows an unknown thrown value to a failure, with one of `codes` when any are given. */
export function isSecureMailError(thrown: unknown, ...codes: readonly string[]): thrown is SecureMailError {
  return thrown instanceof SecureMailError && (codes.length === 0 || codes.includes(thrown.code));
}
