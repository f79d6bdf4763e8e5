// The Postfix side of a gateway, as values: four instances with their settings, their files, and how they differ from
// others. Floor 2, no I/O; `postern postfix-config` reads and writes.
//
//   users' server ──▶ hub-out ──▶ POSTERN ──▶ edge-out ──▶ the world
//   users' server ◀── edge-in ◀── POSTERN ◀── hub-in   ◀── the world
//
// Four and not two, since Postfix routes by recipient and by sender and never by the listener that mail came by: what
// our users wrote and what the world wrote must not meet in one queue. Hubs send everything to Postern, their own bounces
// included. Edges send what they make themselves back to hub-out, so that no bounce leaves around Postern.

export { type Difference, differences } from "./postfix/compare.ts";
export { instanceNames, type PostfixInstance, postfixInstances } from "./postfix/instances.ts";
export { formatMainCf, parseMainCf } from "./postfix/main-cf.ts";
export { formatMasterCf, parseMasterCf } from "./postfix/master-cf.ts";
export type { InstanceName, PostfixSite, Service, Setting } from "./postfix/site.ts";
