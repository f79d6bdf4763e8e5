import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { community } from "../../test/interop/community.ts";
import { withPeers } from "../../test/peers.ts";
import { run } from "./verify-path.ts";

function verifyPath(...args: readonly string[]) {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  return spawnSync(process.execPath, [main, "verify-path", ...args], { encoding: "utf8" });
}

for (const { what, args, says } of [
  { what: "no certificate", args: [], says: /certificate to judge is missing/ },
  { what: "two certificates", args: ["a.crt", "b.crt"], says: /unexpected argument "b.crt"/ },
  { what: "a slip of the finger", args: ["--trsut", "a.crt"], says: /did you mean --trust\?/ },
  {
    what: "an option that is promised and not built",
    args: ["--policy", "1.2.3", "a.crt"],
    says: /--policy: not built in this version/,
  },
  { what: "a purpose that is none", args: ["--purpose", "tls", "a.crt"], says: /--purpose tls/ },
]) {
  test(`verify-path with ${what} is a usage error`, () => {
    const { status, stdout, stderr } = verifyPath(...args);
    assert.match(stderr, says);
    assert.deepEqual([status, stdout], [64, ""]);
  });
}

test("verify-path of a file that holds no certificate is exit 65, with the file named", () => {
  const file = fileURLToPath(import.meta.url);
  const { status, stderr } = verifyPath(file);
  assert.equal(status, 65);
  assert.ok(stderr.includes(file));
});

withPeers(["openssl"], 17, () => {
  const { folder, root, issuer, signing, encryption, misfit } = community();
  const trusting = ["--trust", root.certificateFile, "--intermediates", issuer.certificateFile];
  const leaf = signing("a.example", "p256").certificateFile;
  const file = join(folder, "report.json");

  /** In this process, with the report. */
  async function report(...args: readonly string[]) {
    const status = await run(["--report", file, ...args]);
    return { status, ...JSON.parse(readFileSync(file, "utf8")) };
  }

  test("verify-path reports a valid path, leaf first", async () => {
    assert.deepEqual(await report(...trusting, "--purpose", "signing", "--domain", "a.example", leaf), {
      status: 0,
      format: "postern-report/1",
      command: "verify-path",
      verdict: "valid",
      code: "OK",
      path: ["CN=domain-signing-authority,O=a.example", "CN=Issuer,O=see", "CN=Root,O=see"],
      emails: ["domain-signing-authority@a.example"],
      reasons: [],
    });
  });

  test("verify-path without a report file says on stderr what it found", () => {
    const { status, stdout, stderr } = verifyPath(...trusting, "--legacy", misfit("rsa1024").certificateFile);
    assert.deepEqual([status, stdout], [0, ""]);
    const [verdict, end = "", ...others] = stderr.trimEnd().split("\n");
    assert.equal(verdict, "valid: OK");
    assert.equal(end.trim(), "CN=domain-signing-authority,O=a.example");
    assert.match(others.at(-1) ?? "", /^WEAK: .*: an RSA key of 1024 bits$/);
  });

  for (const kind of ["rsa2048", "p384", "p521", "x25519"] as const) {
    test(`verify-path believes an encryption certificate of kind ${kind}`, async () => {
      const { certificateFile } = encryption("b.example", kind);
      const { status } = await report(...trusting, "--purpose", "encryption", "--domain", "b.example", certificateFile);
      assert.equal(status, 0);
    });
  }

  for (const { what, args = [], code } of [
    { what: "expired", code: "EXPIRED" },
    { what: "notYetValid", code: "NOT_YET_VALID" },
    { what: "wrongKeyUsage", code: "UNTRUSTED" },
    { what: "rsa1024", code: "WEAK" },
    { what: "sha1Signed", code: "WEAK" },
    { what: "caFlagMissing", code: "UNTRUSTED" },
    { what: "stranger", code: "UNTRUSTED" },
    { what: "wrongName", args: ["--domain", "a.example"], code: "SIGNER_MISMATCH" },
    { what: "noAddress", args: ["--email", "domain-signing-authority@a.example"], code: "SIGNER_MISMATCH" },
  ] as const) {
    test(`verify-path refuses the misfit ${what}: ${code}`, async () => {
      const { certificateFile, issuerFile } = misfit(what);
      const made = await report(
        ...[...trusting, "--intermediates", issuerFile, "--purpose", "signing", ...args, certificateFile],
      );
      assert.deepEqual([made.status, made.verdict, made.code], [1, "invalid", code]);
    });
  }

  test("verify-path without anchors is not decided", async () => {
    const { status, verdict, code } = await report(leaf);
    assert.deepEqual([status, verdict, code], [1, "indeterminate", "UNTRUSTED"]);
  });

  test("verify-path judges at the time it is told", async () => {
    assert.equal((await report(...trusting, "--time", "2020-01-01T00:00:00Z", leaf)).code, "NOT_YET_VALID");
    assert.equal((await report(...trusting, "--time", "2099-01-01T00:00:00Z", leaf)).code, "EXPIRED");
  });
});
