// The example that operators begin with (docs/examples) is one that the gateway takes.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { type Config, parseConfig } from "../src/config.ts";
import { keyFile, openCommunity } from "../src/demo/community.ts";
import { makeSnapshot } from "../src/directory.ts";
import { startGateway } from "../src/gateway.ts";
import { parseLdif } from "../src/ldif.ts";
import { isBoundToDomain } from "../src/trust.ts";

const examples = path.resolve(import.meta.dirname, "../docs/examples");
const folder = mkdtempSync(path.join(tmpdir(), "postern-example-"));
after(() => rmSync(folder, { recursive: true }));

test("the configuration is accepted as it stands, and every setting in it is used", () => {
  assert.deepEqual(example(examples).unused, []);
});

test("the directory is read without a fault, and each certificate names its domain", () => {
  const { members, faults } = makeSnapshot(1, parseLdif(readFileSync(path.join(examples, "members.ldif"))));
  assert.deepEqual(faults, []);
  assert.deepEqual(
    members.map(({ domains, status }) => `${domains.join()} ${status}`),
    ["treasury.example active", "parliament.example active"],
  );
  for (const { domains, certificates } of members) {
    const [domain = ""] = domains;
    for (const role of ["signing", "encryption"] as const)
      assert.equal(certificates.filter((certificate) => isBoundToDomain(certificate, domain, role)).length, 1);
  }
});

test("with keys where it names them the gateway starts", async () => {
  const community = await openCommunity(path.join(folder, "community"));
  cpSync(examples, folder, { recursive: true });
  for (const sub of ["ca", "keys"]) mkdirSync(path.join(folder, sub));
  cpSync(community.rootFile, path.join(folder, "ca/see-root.pem"));
  const { domains, trust, listen, ...config } = example(folder);
  const [{ signing, encryption }] = domains as [Config["domains"][number]];
  for (const [role, pair] of [
    ["sign", signing],
    ["encrypt", encryption[0]],
  ] as const) {
    cpSync(keyFile(community.folder, "treasury.example", role, "pem"), pair?.key ?? "");
    cpSync(keyFile(community.folder, "treasury.example", role, "crt"), pair?.certificate ?? "");
  }
  const anywhere = { host: "127.0.0.1", port: 0 };
  const dataDir = path.join(folder, "data");
  const gateway = await startGateway(
    {
      ...{ ...config, domains, trust, dataDir },
      ...{
        store: path.join(dataDir, "postern.db"),
        ledgerKey: { file: path.join(dataDir, "ledger.key"), named: false },
      },
      listen: { inside: { ...listen.inside, address: anywhere }, outside: { ...listen.outside, address: anywhere } },
    },
    { report: () => {}, onFault: () => {} },
  );
  assert.equal(gateway.snapshot().members.length, 2);
  await gateway.close();
});

function example(where: string): Config {
  const file = path.join(where, "postern.yaml");
  return parseConfig(readFileSync(file, "utf8"), file);
}
