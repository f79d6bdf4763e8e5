// A configuration for one member of a throw-away community, written into its folder.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { type Community, keyFile } from "../src/demo/community.ts";

export type Links = {
  readonly inside?: string;
  readonly outside?: string;
  readonly relayInside?: string;
  readonly relayOutside?: string;
  readonly submit?: string;
  /** Further lines of YAML. */
  readonly more?: string;
};

const nowhere = "smtp://127.0.0.1:1";

/** The path of the configuration of treasury.example. */
export function configOf({ folder, rootFile }: Community, links: Links = {}): string {
  const key = (role: "sign" | "encrypt") =>
    `{ key: ${keyFile(folder, "treasury.example", role, "pem")}, certificate: ${keyFile(folder, "treasury.example", role, "crt")} }`;
  const file = path.join(folder, "postern.yaml");
  const { inside = "lmtp: 127.0.0.1:0", outside = "lmtp: 127.0.0.1:0" } = links;
  const { relayInside = nowhere, relayOutside = nowhere, submit, more = "" } = links;
  writeFileSync(
    file,
    `hostname: gw.treasury.example
dataDir: state
postmaster: postmaster@treasury.example
community: see.example
trust: { anchors: [${rootFile}] }
domains:
  - name: treasury.example
    signing: ${key("sign")}
    encryption: [${key("encrypt")}]
listen: { inside: { ${inside} }, outside: { ${outside} } }
relay: { inside: "${relayInside}", outside: "${relayOutside}"${submit === undefined ? "" : `, submit: "${submit}"`} }
directory: { sources: [{ ldif: members.ldif }] }
${more}`,
  );
  return file;
}
