import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./parse.ts";
import { shareOf, spillFault } from "./shares.ts";

const example = `hostname: gw.treasury.example
dataDir: /var/lib/postern
postmaster: postmaster@treasury.example
community: see.example
trust: { anchors: [ca/see-root.pem], intermediates: [], crls: [], revocation: check }
ledgerKey: secrets/ledger.key
limits: { messageSize: 100MiB, recipients: 1000, connections: 1000, perPeer: 200 }
domains:
  - name: Treasury.example
    signing:    { key: keys/sign.pem, certificate: keys/sign.crt }
    encryption: [ { key: keys/enc-2026.pem, certificate: keys/enc-2026.crt }, { key: keys/enc-2025.pem, certificate: keys/enc-2025.crt } ]
listen:
  inside:  { lmtp: 127.0.0.1:10025, accept: [127.0.0.0/8] }
  outside: { smtp: "[::1]:10027" }
relay:
  outside: smtp://127.0.0.1:10026
  inside:  { to: lmtp://unix:/run/lmtp }
  submit:  { to: smtp://mail.treasury.example:25, dangerPlaintext: true }
directory:
  sources: [ { ldif: members.ldif } ]
store: sqlite:postern.db
rules: rules.yaml
console: 127.0.0.1:8025
`;

test("a whole configuration is read, paths from its own folder", () => {
  const config = parseConfig(example, "/etc/postern/postern.yaml");
  assert.equal(config.authservId, "gw.treasury.example");
  assert.equal(config.limits.messageSize, 104_857_600);
  assert.deepEqual(config.trust.anchors, ["/etc/postern/ca/see-root.pem"]);
  assert.equal(config.domains[0]?.name, "treasury.example");
  assert.equal(config.domains[0]?.encryption[1]?.key, "/etc/postern/keys/enc-2025.pem");
  assert.deepEqual(config.listen, {
    inside: { protocol: "lmtp", address: { host: "127.0.0.1", port: 10025 }, accept: ["127.0.0.0/8"] },
    outside: { protocol: "smtp", address: { host: "::1", port: 10027 }, accept: ["127.0.0.0/8", "::1/128"] },
  });
  assert.deepEqual(config.relay, {
    outside: { protocol: "smtp", address: { host: "127.0.0.1", port: 10026 } },
    inside: { protocol: "lmtp", address: { path: "/run/lmtp" } },
    submit: { protocol: "smtp", address: { host: "mail.treasury.example", port: 25 } },
  });
  assert.deepEqual(config.directory.sources, [{ ldif: "/etc/postern/members.ldif" }]);
  assert.deepEqual(config.ledgerKey, { file: "/etc/postern/secrets/ledger.key", named: true });
  assert.equal(config.store, "/var/lib/postern/postern.db");
  assert.deepEqual(config.unused, ["rules", "console"]);
});

test("what may be left out has its default", () => {
  const short = example.replace(/^( {2}submit|limits|community|ledgerKey|store|rules|console):.*\n/gm, "");
  const config = parseConfig(short, "postern.yaml");
  assert.deepEqual(config.limits, {
    messageSize: 104_857_600,
    recipients: 1000,
    connections: 1000,
    perPeer: 200,
    hold: 10_737_418_240,
  });
  assert.deepEqual(config.ledgerKey, { file: "/var/lib/postern/ledger.key", named: false });
  assert.equal(config.store, "/var/lib/postern/postern.db");
  assert.equal(config.workers, undefined);
  assert.deepEqual(config.unused, []);
});

const withSpill = (spill: string, workers: string) =>
  example.replace("perPeer: 200 }", `perPeer: 200, spill: ${spill} }${workers}`);

test("each worker has room on the disk for a message of the largest size", () => {
  const mib = 1024 ** 2;
  const shares = (text: string, workers: number) => shareOf(parseConfig(text, "c.yaml"), workers).limits.spill;
  assert.equal(shares(example, 2), 2048 * mib);
  assert.equal(shares(example, 64), 300 * mib, "where it is not limited it grows with the workers");
  assert.equal(shares(withSpill("600MiB", "\nworkers: 2"), 2), 300 * mib);
  const { limits } = parseConfig(withSpill("600MiB", ""), "c.yaml");
  assert.equal(spillFault(limits, 2), undefined);
  assert.match(spillFault(limits, 3) ?? "", /^must be at least 900MiB, 3 x messageSize for each of 3 workers, /);
  assert.throws(() => parseConfig(withSpill("600MiB", "\nworkers: 3"), "c.yaml"), {
    code: "CONFIG_INVALID",
    message: /^c\.yaml:7:\d+: limits\.spill: must be at least 900MiB, 3 x messageSize for each of 3 workers, [^\n]*$/,
  });
});

const ours = "certificate: tls/gw.crt, key: tls/gw.key";
const pin = Array.from({ length: 32 }, () => "AB").join(":");

test("a link leaves the machine under TLS with a pin", () => {
  const config = parseConfig(
    example
      .replace(`{ smtp: "[::1]:10027" }`, `{ smtp: "192.0.2.1:25", tls: { ${ours}, pin: "${pin}" } }`)
      .replace("outside: smtp://127.0.0.1:10026", `outside: { to: smtp://192.0.2.2:25, tls: { pin: ["${pin}"] } }`),
    "/etc/postern/postern.yaml",
  );
  const files = { certificate: "/etc/postern/tls/gw.crt", key: "/etc/postern/tls/gw.key" };
  assert.deepEqual(config.listen.outside.tls, { ...files, pins: ["ab".repeat(32)] });
  assert.deepEqual(config.relay.outside.tls, { pins: ["ab".repeat(32)] });
});

test("a listener without a pin offers TLS, and leaves the machine only by dangerPlaintext", () => {
  const listener = (more: string): string =>
    example.replace(`"[::1]:10027"`, `"192.0.2.1:25", tls: { ${ours} }${more}`);
  assert.throws(() => parseConfig(listener(""), "c.yaml"), { message: /listen\.outside: is not on this machine/ });
  const { outside } = parseConfig(listener(", dangerPlaintext: true"), "/c.yaml").listen;
  assert.deepEqual(outside.tls, { certificate: "/tls/gw.crt", key: "/tls/gw.key", pins: [] });
});

for (const { from, to, expected } of [
  {
    from: "hostname: gw",
    to: "hostnam: gw",
    expected: /^c\.yaml:1:1: hostnam: unknown setting \(did you mean hostname\?\)$/m,
  },
  { from: "hostname: gw", to: "hostnam: gw", expected: /^c\.yaml:1:1: hostname: is missing$/m },
  {
    from: "perPeer: 200",
    to: "perPer: 200",
    expected: /^c\.yaml:7:69: limits\.perPer: unknown setting \(did you mean perPeer\?\)$/m,
  },
  {
    from: "signing: ",
    to: "singing: ",
    expected: /^c\.yaml:10:5: domains\[0\]\.singing: unknown setting \(did you mean signing\?\)$/m,
  },
  { from: "signing: ", to: "singing: ", expected: /^c\.yaml:9:5: domains\[0\]\.signing: is missing$/m },
  {
    from: "dangerPlaintext: true",
    to: "dangerPlaintxt: true",
    expected: /^c\.yaml:18:\d+: relay\.submit\.dangerPlaintxt: unknown setting \(did you mean dangerPlaintext\?\)$/m,
  },
  {
    from: "{ lmtp: 127.0.0.1:10025,",
    to: "{ ltmp: 127.0.0.1:10025,",
    expected: /^c\.yaml:13:\d+: listen\.inside\.ltmp: unknown setting \(did you mean lmtp\?\)$/m,
  },
  {
    from: "revocation: check",
    to: "revocation: chek",
    expected: /^c\.yaml:5:\d+: trust\.revocation: must be ignore or check or require \(did you mean check\?\)$/m,
  },
  { from: "100MiB", to: "100MB", expected: /^c\.yaml:7:\d+: limits\.messageSize: must be a size like/m },
  {
    from: "recipients: 1000",
    to: "recipients: 0",
    expected: /^c\.yaml:7:\d+: limits\.recipients: must be at least 1$/m,
  },
  {
    from: "recipients: 1000",
    to: "recipients: many",
    expected: /^c\.yaml:7:\d+: limits\.recipients: must be a number, not text$/m,
  },
  { from: "[ca/see-root.pem]", to: "[]", expected: /^c\.yaml:5:\d+: trust\.anchors: must not be empty$/m },
  {
    from: "[ca/see-root.pem]",
    to: "ca/see-root.pem",
    expected: /^c\.yaml:5:\d+: trust\.anchors: must be a list, not text$/m,
  },
  {
    from: "127.0.0.0/8",
    to: "127.0.0.0/33",
    expected: /^c\.yaml:13:\d+: listen\.inside\.accept\[0\]: must be an IP address or a network/m,
  },
  {
    from: "lmtp: 127.0.0.1:10025",
    to: "lmtp: 127.0.0.1",
    expected: /^c\.yaml:13:\d+: listen\.inside\.lmtp: must be HOST:PORT/m,
  },
  {
    from: "lmtp: 127.0.0.1:10025",
    to: "lmtp: 192.0.2.1:10025",
    expected: /^c\.yaml:13:\d+: listen\.inside: is not on this machine/m,
  },
  {
    from: "{ to: smtp://mail.treasury.example:25, dangerPlaintext: true }",
    to: "smtp://mail.treasury.example:25",
    expected: /^c\.yaml:18:\d+: relay\.submit: is not on this machine: that needs tls with a pin/m,
  },
  {
    from: "dangerPlaintext: true",
    to: "tls: { pin: abc }",
    expected: /^c\.yaml:18:\d+: relay\.submit\.tls\.pin\[0\]: must be the SHA-256 of a certificate in hex$/m,
  },
  {
    from: "dangerPlaintext: true",
    to: `tls: { pin: "${pin}", key: k }`,
    expected: /^c\.yaml:18:\d+: relay\.submit\.tls: must have certificate and key, or neither$/m,
  },
  {
    from: "dangerPlaintext: true",
    to: "tls: { pins: x }",
    expected: /^c\.yaml:18:\d+: relay\.submit\.tls\.pins: unknown setting \(did you mean pin\?\)$/m,
  },
  {
    from: "accept: [127.0.0.0/8] }",
    to: "tls: { certificate: c } }",
    expected: /^c\.yaml:13:\d+: listen\.inside\.tls\.key: is missing$/m,
  },
  {
    from: "sqlite:postern.db",
    to: "postgres://db/postern",
    expected: /^c\.yaml:21:\d+: store: must be sqlite:FILE \(PostgreSQL comes with a later version\)$/m,
  },
  { from: "store: sqlite", to: "workers: 0\nstore: sqlite", expected: /^c\.yaml:21:1: workers: must be at least 1$/m },
  {
    from: "{ smtp: ",
    to: "{ lmtp: 127.0.0.1:1, smtp: ",
    expected: /^c\.yaml:14:\d+: listen\.outside: must have either lmtp or smtp$/m,
  },
  {
    from: "outside: smtp://127",
    to: "outside: smpt://127",
    expected: /^c\.yaml:16:\d+: relay\.outside\.to: must be smtp:/m,
  },
  {
    from: "name: Treasury.example",
    to: "name: treasury",
    expected: /^c\.yaml:9:\d+: domains\[0\]\.name: must be a domain name$/m,
  },
  {
    from: "name: Treasury.example",
    to: "name:",
    expected: /^c\.yaml:9:\d+: domains\[0\]\.name: must be text, not empty$/m,
  },
  {
    from: "ldif: members.ldif",
    to: "ldap: ldaps://x",
    expected: /^c\.yaml:20:\d+: directory\.sources\[0\]\.ldap: unknown setting/m,
  },
  { from: "store: sqlite", to: "hostname: again\nstore: sqlite", expected: /^c\.yaml:21:1: Map keys must be unique/m },
  { from: "listen:", to: "listen: [", expected: /^c\.yaml:\d+:\d+: /m },
]) {
  test(`"${to.split("\n")[0]}" is refused with its place`, () => {
    assert.ok(example.includes(from));
    assert.throws(() => parseConfig(example.replace(from, to), "c.yaml"), {
      code: "CONFIG_INVALID",
      message: expected,
    });
  });
}

test("a domain stands in it once", () => {
  const domain = /^ {2}- name.*\n.*\n.*\n/m.exec(example)?.[0] ?? "";
  const message = /^c\.yaml:12:5: domains\[1\]\.name: treasury\.example stands here twice$/;
  assert.throws(() => parseConfig(example.replace(domain, domain + domain), "c.yaml"), { message });
});

test("all faults are told at once, and an empty file is one", () => {
  assert.throws(() => parseConfig("", "c.yaml"), {
    code: "CONFIG_INVALID",
    message: /^c\.yaml:1:1: must be a group of settings/,
  });
  assert.throws(
    () => parseConfig("hostname: 1\ndataDir: 2\n", "c.yaml"),
    (thrown: Error) => thrown.message.split("\n").length > 6,
  );
});
