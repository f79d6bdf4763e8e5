// docs/config.md and docs/postern.schema.json, from the schema that checks the configuration.

import { configJsonSchema } from "../../src/config.ts";
import { code, table } from "./markdown.ts";

type Schema = {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
};

const preface = `For operators. Every setting of \`postern gateway\`, made by \`node tools/docs.ts\` from the schema that checks the file.

The file is YAML. A command finds it by \`--config\`, else \`$POSTERN_CONFIG\`, else \`./postern.yaml\`, else
\`/etc/postern/postern.yaml\`. Files named in it are found from its own folder. An unknown setting is an error, said with line,
column and what was probably meant. [An example](examples/postern.yaml) to begin with; editors that know JSON Schema take
[postern.schema.json](postern.schema.json).`;

export function configPage(): string {
  const { properties = {}, required = [] } = configJsonSchema() as Schema;
  const groups = Object.entries(properties).filter(([, schema]) => membersOf(schema) !== undefined);
  const single = Object.entries(properties).filter(([, schema]) => membersOf(schema) === undefined);
  const sections = groups.map(([name, schema]) => groupSection(name, schema));
  const rows = single.map(([name, schema]) => row(name, schema, required.includes(name)));
  return ["# Configuration", preface, settingTable(rows), ...sections].join("\n\n").concat("\n");
}

export function configSchemaPage(): string {
  return `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
}

function groupSection(name: string, schema: Schema): string {
  const { description } = schema;
  return [
    `## ${name}`,
    ...(description === undefined ? [] : [description]),
    settingTable(rowsOf(schema.items === undefined ? name : `${name}[]`, schema)),
  ].join("\n\n");
}

function settingTable(rows: readonly (readonly string[])[]): string {
  return table(["setting", "value", "default", "meaning"], rows);
}

/** A row for each setting in a group, those of groups within behind them. */
function rowsOf(place: string, group: Schema): string[][] {
  const { properties = {}, required = [] } = membersOf(group) ?? {};
  return Object.entries(properties).flatMap(([name, schema]) => {
    const at = `${place}.${name}`;
    const inside = rowsOf(schema.items === undefined ? at : `${at}[]`, schema);
    return [row(at, schema, required.includes(name)), ...inside];
  });
}

function row(place: string, schema: Schema, isRequired: boolean): string[] {
  const { default: given, description } = schema;
  if (description === undefined) throw new Error(`src/config/schema.ts does not describe ${place}`);
  const otherwise = given === undefined ? "" : code(JSON.stringify(given));
  return [code(place), valueText(schema), isRequired ? "required" : otherwise, description];
}

function valueText({ title, type, enum: values, items, properties }: Schema): string {
  if (title !== undefined) return title;
  if (values !== undefined) return values.map(code).join(" or ");
  if (items !== undefined) return `a list: ${valueText(items)}`;
  if (properties !== undefined)
    return type === "object" ? "a group" : `${valueText(properties["to"] ?? {})}, or a group`;
  return type === "boolean" ? "true or false" : "text";
}

/** What holds the members of a group, or of each in a list of groups. */
function membersOf(schema: Schema): Schema | undefined {
  if (schema.properties !== undefined) return schema;
  return schema.items === undefined ? undefined : membersOf(schema.items);
}
