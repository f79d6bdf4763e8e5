// Options of a command: named ones only, unknown ones refused by name. Exit statuses are those of sysexits.
import { parseArgs } from "node:util";
import { closest } from "../closest.ts";
import { isSecureMailError } from "../errors.ts";

export const exit = {
  done: 0,
  negative: 1,
  usage: 64,
  input: 65,
  unavailable: 69,
  temporary: 75,
  configuration: 78,
} as const;

/** `text` takes a value once, `texts` as often as given, `flag` none. */
export type OptionKind = "flag" | "text" | "texts";

export type OptionTable = Readonly<
  Record<string, { readonly kind: OptionKind; readonly value?: string; readonly does: string }>
>;

export type Options = {
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  /** A text that must be one of these. */
  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined;
  readonly positionals: readonly string[];
};

/** Wrong use of the program: exit 64, the option named. */
export class UsageError extends Error {}

/** Something named on the command line is not what it must be: exit 65 or 69. */
export class InputError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export function parseOptions(args: readonly string[], table: OptionTable, positionals: number = 0): Options {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind }]) => [
      name,
      { type: kind === "flag" ? "boolean" : "string", multiple: true } as const,
    ]),
  );
  const {
    values,
    tokens,
    positionals: rest,
  } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) if (token.kind === "option") requireKnown(token, table);
  if (rest.length > positionals) throw new UsageError(`unexpected argument ${JSON.stringify(rest[positionals])}`);
  const all = (name: string): readonly string[] => (values[name] ?? []) as unknown as readonly string[];
  const text = (name: string): string | undefined => all(name).at(-1);
  return {
    flag: (name) => values[name] !== undefined,
    text,
    texts: all,
    oneOf(name, allowed) {
      const value = text(name);
      if (value !== undefined && !(allowed as readonly string[]).includes(value)) {
        throw new UsageError(`--${name} ${value}: it is one of ${allowed.join(", ")}`);
      }
      return value as (typeof allowed)[number] | undefined;
    },
    positionals: rest,
  };
}

function requireKnown(token: { name: string; rawName: string; value?: string | undefined }, table: OptionTable): void {
  const known = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
  if (known === undefined) {
    const near = closest(token.name, Object.keys(table));
    throw new UsageError(`unknown option ${token.rawName}${near === undefined ? "" : ` (did you mean --${near}?)`}`);
  }
  if (known.kind === "flag" && token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
  if (known.kind !== "flag" && token.value === undefined) throw new UsageError(`${token.rawName} needs a value`);
}

export function helpText(usage: string, table: OptionTable): string {
  const lines = Object.entries(table).map(([name, { value, does }]) => {
    const left = `  --${name}${value === undefined ? "" : ` ${value}`}`;
    return left.length > 30 ? `${left}\n${" ".repeat(32)}${does}` : `${left.padEnd(32)}${does}`;
  });
  return [`Usage: ${usage}`, "", ...lines, ""].join("\n");
}

/** Runs a command's body: what it throws becomes a sentence on stderr and an exit status. */
export async function withStatus(command: string, body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    process.stderr.write(`postern ${command}: ${(error as Error).message}\n`);
    return status;
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof UsageError) return exit.usage;
  if (error instanceof InputError) return error.status;
  if (isSecureMailError(error, "KEY_FILE")) return exit.unavailable;
  if (isSecureMailError(error)) return error.fault === "temporary" ? exit.temporary : exit.input;
  return undefined;
}
