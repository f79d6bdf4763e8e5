// The schema as others read it: editors, and the reference page that tools/docs.ts writes.

import { z } from "zod";
import { configSchema } from "./schema.ts";

/** JSON Schema of the file as it is written, before defaults and conversions. */
export function configJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(configSchema("."), { io: "input", unrepresentable: "any" });
}
