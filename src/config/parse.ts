// From text to configuration, or to all of its faults, each with its place in the file.

import path from "node:path";
import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { closest } from "../closest.ts";
import { SecureMailError } from "../errors.ts";
import { type Config, configSchema } from "./schema.ts";

export const configErrorCodes = {
  CONFIG_INVALID: "the configuration cannot be used as it is",
} as const;
export type ConfigErrorCode = keyof typeof configErrorCodes;

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * Throws CONFIG_INVALID with one line per fault: `file:line:column: path: what is wrong (did you mean ...?)`.
 *
 * `file` names the text in messages, and its folder is where relative paths begin.
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(({ pos, message }) => `${file}:${placeOf(lines, pos[0])}: ${message}`));
  }
  const schema = configSchema(path.dirname(path.resolve(file)));
  const given: unknown = document.toJS();
  const result = schema.safeParse(given, { reportInput: true });
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => describe(issue, schema));
  throw invalid(
    faults.map(({ at, what }) => {
      const place = placeOf(lines, offsetOf(document, at));
      return `${file}:${place}: ${[formatPath(at), what].filter((part) => part !== "").join(": ")}`;
    }),
  );
}

function invalid(faults: readonly string[]): Error {
  return new SecureMailError<ConfigErrorCode>("CONFIG_INVALID", "permanent", faults.join("\n"));
}

function describe(issue: Issue, schema: z.core.$ZodType): { at: Path; what: string }[] {
  if (issue.code !== "unrecognized_keys") return [{ at: issue.path, what: wordsFor(issue) }];
  const known = keysOf(schemaAt(schema, issue.path));
  return issue.keys.map((key) => ({ at: [...issue.path, key], what: `unknown setting${meant(key, known)}` }));
}

function wordsFor(issue: Issue): string {
  if (issue.code === "invalid_type" && issue.input === undefined) return "is missing";
  if (issue.code === "invalid_type") return `must be ${nameOf(issue.expected)}, not ${kindOf(issue.input)}`;
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    return `must be ${values.join(" or ")}${meant(String(issue.input), values)}`;
  }
  if (issue.code === "invalid_union")
    return issue.input === undefined ? "is missing" : `cannot be ${kindOf(issue.input)}`;
  if (issue.code === "too_small")
    return issue.origin === "number" ? `must be at least ${issue.minimum}` : "must not be empty";
  return issue.message;
}

function meant(given: string, known: readonly string[]): string {
  const near = closest(given, known);
  return near === undefined ? "" : ` (did you mean ${near}?)`;
}

const names: ReadonlyMap<string, string> = new Map([
  ["object", "a group of settings"],
  ["record", "a group of settings"],
  ["array", "a list"],
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
]);

function nameOf(expected: string): string {
  return names.get(expected) ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  return nameOf(Array.isArray(value) ? "array" : typeof value);
}

/** The schema of what stands at `at`, through the wrappers that defaults and checks put around it. */
function schemaAt(schema: z.core.$ZodType, at: Path): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  const [first, ...rest] = at;
  if (first === undefined || inner === undefined) return inner;
  const { def } = inner._zod as z.core.$ZodTypeInternals & { def: { shape?: object; element?: z.core.$ZodType } };
  const next = def.element ?? (def.shape as Record<PropertyKey, z.core.$ZodType> | undefined)?.[first];
  return next === undefined ? undefined : schemaAt(next, rest);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod as z.core.$ZodTypeInternals & {
    def: { type: string; innerType?: z.core.$ZodType; in?: z.core.$ZodType; out?: z.core.$ZodType };
  };
  if (def.innerType !== undefined) return unwrap(def.innerType);
  if (def.in === undefined || def.out === undefined) return schema;
  // `preprocess` has its transformation in front, `transform` behind.
  return unwrap(def.in._zod.def.type === "transform" ? def.out : def.in);
}

function keysOf(schema: z.core.$ZodType | undefined): readonly string[] {
  return Object.keys((schema?._zod.def as { shape?: object } | undefined)?.shape ?? {});
}

/** Where the setting stands, or the group that lacks it. */
function offsetOf(document: Document, at: Path): number {
  for (let length = at.length; length > 0; length -= 1) {
    const parent = document.getIn(at.slice(0, length - 1), true);
    const last = at[length - 1];
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isNode(key) && String(key) === String(last))
      : undefined;
    const node = pair?.key ?? document.getIn(at.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function placeOf(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${Math.max(line, 1)}:${Math.max(col, 1)}`;
}

function formatPath(at: Path): string {
  return at
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index > 0 ? "." : ""}${String(part)}`))
    .join("");
}
