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

export const exitMeanings: Readonly<Record<keyof typeof exit, string>> = {
  done: "done; a command that judges came to a good verdict",
  negative: "done; the verdict is not good: a bad signature, a path refused, a mail of the demo that did not arrive",
  usage: "the command line is wrong; the option is named",
  input: "the input is not what it must be: a message, certificate or key that cannot be read, with offset or field",
  unavailable: "a file or server that is needed is not there",
  temporary: "cannot go on now; trying again may help",
  configuration: "the configuration is wrong: `file:line:column: setting: what is wrong`",
};

/** `text` takes a value once, `texts` as often as given, `flag` none. */
export type OptionKind = "flag" | "text" | "texts";

export type OptionTable = Readonly<
  Record<string, { readonly kind: OptionKind; readonly value?: string; readonly does: string }>
>;

/** A command as `--help` and docs/cli.md show it. */
export type Page = {
  readonly name: string;
  /** What follows the name on the command line. */
  readonly usage: string;
  readonly options: OptionTable;
  readonly positionals?: number;
  /** Options that will come, and are refused by name until then. */
  readonly notBuilt?: readonly string[];
};

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

/** Runs a command's body with its options; what the body throws becomes a sentence on stderr and an exit status. */
export async function runPage(
  page: Page,
  args: readonly string[],
  body: (options: Options) => Promise<number>,
): Promise<number> {
  try {
    const options = parseOptions(args, page);
    if (options.flag("help")) {
      process.stdout.write(helpText(page));
      return exit.done;
    }
    return await body(options);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw error;
    process.stderr.write(`postern ${page.name}: ${(error as Error).message}\n`);
    return status;
  }
}

const help: OptionTable = { help: { kind: "flag", does: "this page" } };

function parseOptions(args: readonly string[], page: Page): Options {
  const { positionals = 0, notBuilt = [] } = page;
  const table = { ...page.options, ...help };
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind }]) => [
      name,
      {
        type: kind === "flag" ? "boolean" : "string",
        multiple: true,
        ...(name === "help" ? { short: "h" } : {}),
      } as const,
    ]),
  );
  const {
    values,
    tokens,
    positionals: rest,
  } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (notBuilt.includes(token.name)) throw new UsageError(`${token.rawName}: not built in this version`);
    requireKnown(token, table);
  }
  if (rest.length > positionals) {
    const hint =
      positionals === 0 && page.usage.includes("<")
        ? ` (a message comes in on standard input: < ${rest[positionals]})`
        : "";
    throw new UsageError(`unexpected argument ${JSON.stringify(rest[positionals])}${hint}`);
  }
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

function helpText({ name, usage, options }: Page): string {
  const lines = Object.entries({ ...options, ...help }).map(([option, { value, does }]) => {
    const left = `  --${option}${value === undefined ? "" : ` ${value}`}`;
    return left.length > 30 ? `${left}\n${" ".repeat(32)}${does}` : `${left.padEnd(32)}${does}`;
  });
  return [`Usage: postern ${name} ${usage}`, "", ...lines, ""].join("\n");
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof UsageError) return exit.usage;
  if (error instanceof InputError) return error.status;
  if (isSecureMailError(error, "KEY_FILE")) return exit.unavailable;
  if (isSecureMailError(error)) return error.fault === "temporary" ? exit.temporary : exit.input;
  if (!isSystemError(error)) return undefined;
  return roomMayCome.has(error.code ?? "") ? exit.temporary : exit.unavailable;
}

const roomMayCome = new Set(["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM", "EIO"]);

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
