import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { parseConfig } from "../config.ts";
import {
  differences,
  formatMainCf,
  formatMasterCf,
  instanceNames,
  type PostfixInstance,
  type PostfixSite,
  parseMainCf,
  parseMasterCf,
  postfixInstances,
} from "../postfix.ts";

const example = path.resolve(import.meta.dirname, "../../docs/examples/postern.yaml");
const config = parseConfig(await readFile(example, "utf8"), example);
const site: PostfixSite = { ...config, pins: {} };

function instance(name: string, changes: Partial<PostfixSite> = {}): PostfixInstance {
  const found = postfixInstances({ ...site, ...changes }).find((one) => one.name === name);
  assert.ok(found);
  return found;
}

function settingsOf(name: string, changes: Partial<PostfixSite> = {}): ReadonlyMap<string, string> {
  return parseMainCf(formatMainCf(instance(name, changes)));
}

const everywhere = {
  mydestination: "",
  parent_domain_matches_subdomains: "",
  bounce_size_limit: "1",
  queue_run_delay: "60s",
  minimal_backoff_time: "60s",
  maximal_backoff_time: "900s",
  enable_long_queue_ids: "yes",
  lmtp_line_length_limit: "0",
  smtp_line_length_limit: "0",
  local_header_rewrite_clients: "",
  remote_header_rewrite_domain: "",
  myorigin: "treasury.example",
  "2bounce_notice_recipient": "postmaster@treasury.example",
  disable_vrfy_command: "yes",
  soft_bounce: "no",
} as const;
const inside = "postern:inet:127.0.0.1:10025";
const outside = "postern:inet:127.0.0.1:10027";
const hub = { lmtp_send_xforward_command: "yes", postern_destination_concurrency_failed_cohort_limit: "1000" };
const edge = {
  receive_override_options: "no_header_body_checks, no_address_mappings, no_unknown_recipient_checks, no_milters",
  internal_mail_filter_classes: "bounce",
  header_checks: "static:{FILTER smtp:[127.0.0.1]:10024}",
  smtpd_client_restrictions: "permit_mynetworks, reject",
};
const transports = (to: string) => ({
  default_transport: to,
  relay_transport: to,
  local_transport: to,
  virtual_transport: to,
});

for (const [name, expected] of [
  ["hub-out", { ...hub, ...transports(inside), delay_warning_time: "1h" }],
  ["hub-in", { ...hub, ...transports(outside), delay_warning_time: "0h", message_drop_headers: "" }],
  ["edge-out", { ...edge, relay_transport: "smtp:[127.0.0.1]:10024", delay_warning_time: "1h" }],
  [
    "edge-in",
    { ...edge, default_transport: "smtp:[127.0.0.1]:10024", delay_warning_time: "0h", message_drop_headers: "" },
  ],
] as const) {
  test(`${name} has the settings that were found to matter`, () => {
    const all = settingsOf(name);
    for (const [setting, value] of Object.entries({ ...everywhere, ...expected })) {
      assert.equal(all.get(setting), value, setting);
    }
  });
}

test("edges take what hubs can grow to, and hubs as many recipients in one go as they accept", () => {
  const size = (name: string): number => Number(settingsOf(name).get("message_size_limit"));
  assert.ok(size("edge-in") >= 2.1 * size("hub-in") && size("edge-out") >= 2.1 * size("hub-out"));
  assert.ok(size("hub-in") < site.limits.messageSize);
  const { limits } = site;
  const asked = settingsOf("hub-out", { limits: { ...limits, recipients: 77 } });
  assert.equal(asked.get("smtpd_recipient_limit"), "77");
  assert.equal(asked.get("postern_destination_recipient_limit"), "77");
});

test("no instance names a setting or a service twice, and each setting has its reason", () => {
  for (const { settings, services } of postfixInstances(site)) {
    assert.equal(new Set(settings.map(({ name }) => name)).size, settings.length);
    assert.equal(new Set(services.map(({ name, type }) => `${name} ${type}`)).size, services.length);
    assert.deepEqual(
      settings.filter(({ why }) => why === ""),
      [],
    );
  }
});

test("what the gateway's configuration does not tell is marked, until it is given", () => {
  const open = (changes: Partial<PostfixSite>): string[] =>
    instance("edge-in", changes)
      .settings.filter(({ yours }) => yours)
      .map(({ name }) => name);
  assert.ok(open({}).includes("relay_transport"));
  assert.match(formatMainCf(instance("edge-in")), /# YOURS TO SET\. The users' mail server/);
  assert.ok(!open({ users: "[mail.treasury.example]:25" }).includes("relay_transport"));
});

test("a postmaster who is elsewhere does not get what must not leave", () => {
  assert.equal(
    settingsOf("hub-out", { postmaster: "postmaster@elsewhere.example" }).get("2bounce_notice_recipient"),
    "postmaster@treasury.example",
  );
});

test("links with TLS are checked by fingerprint", () => {
  const tls = { certificate: "/etc/postern/link.crt", key: "/etc/postern/link.pem", pins: ["ab".repeat(32)] };
  const listen = { ...site.listen, inside: { ...site.listen.inside, tls } };
  const all = settingsOf("hub-out", { listen, pins: { inside: "0a1b" } });
  assert.equal(all.get("lmtp_tls_security_level"), "fingerprint");
  assert.equal(all.get("lmtp_tls_fingerprint_cert_match"), "0A:1B");
});

test("an instance does not differ from its own files", () => {
  for (const one of postfixInstances(site)) {
    assert.deepEqual(differences(one, formatMainCf(one), formatMasterCf(one)), []);
  }
  assert.equal(instanceNames.length, 4);
});

test("a difference is named with both values; lists may have commas, the postmaster's own lines any value", () => {
  const one = instance("edge-in");
  const mainCf = formatMainCf(one)
    .replace("soft_bounce = no", "soft_bounce = yes")
    .replace("bounce_size_limit = 1", "")
    .replace("permit_mynetworks, reject", "permit_mynetworks\n\treject")
    .replace("smtp:[mail.treasury.example]:25", "smtp:[192.0.2.1]")
    .concat("content_filter = scan:\n");
  const masterCf = formatMasterCf(one).replace(/^bounce .*$/m, "bounce unix - - y - 0 bounce");
  const found = differences(one, mainCf, masterCf).map(({ name, wanted, found }) => [name, wanted, found]);
  assert.deepEqual(found, [
    ["soft_bounce", "no", "yes"],
    ["bounce_size_limit", "1", undefined],
    ["content_filter", undefined, "scan:"],
    ["bounce unix", "- - n - 0 bounce", "- - y - 0 bounce"],
  ]);
});

test("files are read as Postfix reads them", () => {
  const text = "# a comment\nname = one\n  # within\n  two\n\nname2=x\r\nname = last\n";
  assert.deepEqual(
    [...parseMainCf(text)],
    [
      ["name", "last"],
      ["name2", "x"],
    ],
  );
  assert.deepEqual(
    [...parseMasterCf("smtp  inet n - n - -  smtpd\n  -o a=b\n")],
    [["smtp inet", "n - n - - smtpd -o a=b"]],
  );
});
