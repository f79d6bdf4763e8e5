// The configuration of a gateway: text in, one checked value out. Floor 0, no I/O; reading the file is the caller's.
//
// YAML with its places kept and a strict schema: an unknown setting is an error, with what was probably meant. Only here
// are yaml and zod loaded, so that commands on one message do without them.

export { configJsonSchema } from "./config/json-schema.ts";
export type { HopConfig, ListenConfig, TlsConfig } from "./config/links.ts";
export { type ConfigErrorCode, parseConfig } from "./config/parse.ts";
export type { Config, DomainConfig, KeyConfig, RevocationConfig } from "./config/schema.ts";
export { shareOf, spillFault, spillRoom } from "./config/shares.ts";
export type { Endpoint, HopAddress } from "./config/values.ts";
