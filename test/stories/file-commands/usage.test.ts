// What the file commands say to wrong options, missing files and broken ones: exit 64 names the option, 69 and 65 the
// file. Nothing of a message comes out.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Credential, community } from "../../interop/community.ts";
import { withPeers } from "../../peers.ts";
import { runPostern } from "../../program.ts";
import { message, openedWith, sealedTo, signedWith, writeFile } from "./desk.ts";

type Case = { readonly what: string; readonly args: () => string[]; readonly exit: number; readonly said: RegExp };

const cases: readonly Case[] = [
  usage("an unknown option", () => ["open", "--tust", "x"], /--tust.*did you mean --trust/),
  usage("an unknown option far from all others", () => ["protect", "--frobnicate"], /--frobnicate/),
  usage("an unknown short option", () => ["open", "-k", "x"], /-k/),
  usage("an option without its value", () => ["open", "--key"], /--key/),
  usage("a value where none belongs", () => ["open", "--legacy=yes"], /--legacy/),
  usage("an argument that is no option", () => ["open", "letter.eml"], /letter\.eml/),
  usage("nobody to sign", () => ["protect", ...sealedTo(bob())], /--sign-key/),
  usage("nobody to encrypt to", () => ["protect", ...signedWith(ann())], /--recipient-cert/),
  usage("nothing to do", () => ["protect", "--no-sign", "--no-encrypt"], /--no-sign.*--no-encrypt/),
  usage("a certificate without its key", () => ["open", "--cert", bob().certificateFile], /--cert/),
  usage("a key without its certificate", () => ["open", "--key", bob().keyFile], /--cert/),
  usage("an unknown profile", () => ["protect", ...both(), "--profile", "Z"], /--profile Z/),
  usage("an unknown form", () => ["protect", ...both(), "--form", "transparent"], /--form transparent/),
  usage("an unknown inner encoding", () => ["protect", ...both(), "--inner-encoding", "hex"], /--inner-encoding hex/),
  usage("an unknown recipient id", () => ["protect", ...both(), "--recipient-id", "name"], /--recipient-id name/),
  usage("an unknown cipher", () => ["protect", ...both(), "--content-cipher", "rot13"], /--content-cipher rot13/),
  usage(
    "a cipher that is only read",
    () => ["protect", ...both(), "--content-cipher", "des-ede3-cbc"],
    /--content-cipher/,
  ),
  usage("an unknown key management", () => ["protect", ...both(), "--key-management", "post"], /--key-management post/),
  usage(
    "a key management for other keys",
    () => ["protect", ...both(), "--key-management", "ecdh-sha256"],
    /--key-management/,
  ),
  usage("an unknown signature", () => ["protect", ...both(), "--signature", "wax"], /--signature wax/),
  usage(
    "a signature that is only read",
    () => ["protect", ...both(), "--signature", "ecdsa-sha1"],
    /--signature ecdsa-sha1/,
  ),
  usage("a signature by other keys", () => ["protect", ...both(), "--signature", "rsa-v15-sha256"], /--signature/),
  usage("header protection of another kind", () => ["protect", ...both(), "--headers", "all"], /--headers all/),
  usage("a time that is none", () => ["open", "--time", "yesterday"], /--time yesterday/),
  usage("a day that is none", () => ["protect", ...both(), "--time", "2026-02-30T00:00:00Z"], /--time 2026-02-30/),
  usage("a report where the message goes", () => ["open", "--report", "-"], /--report/),
  usage("a report where the protected message goes", () => ["protect", ...both(), "--report", "-"], /--report/),
  usage("an unknown kind of binding", () => ["open", "--bind", "planet"], /--bind planet/),
  usage("a domain that is none", () => ["open", "--from-domain", "a_b"], /--from-domain a_b/),
  usage(
    "a domain where an address is asked for",
    () => ["open", "--bind", "address", "--from-domain", "a.example"],
    /bind/,
  ),
  usage("an unknown form of input", () => ["explain", "--inform", "xml"], /--inform xml/),
  usage("an unknown treatment of revocation", () => ["open", "--revocation", "maybe"], /--revocation maybe/),
  usage("an unknown command", () => ["opne"], /opne.*did you mean open/),

  missing("a key that is not there", (file) => ["open", "--key", file, "--cert", bob().certificateFile]),
  missing("a certificate that is not there", (file) => ["open", "--key", bob().keyFile, "--cert", file]),
  missing("an anchor that is not there", (file) => ["open", "--trust", file]),
  missing("an intermediate that is not there", (file) => ["explain", "--intermediates", file]),
  missing("a CRL that is not there", (file) => ["open", "--crl", file]),
  missing("content that is not there", (file) => ["open", "--content", file]),
  missing("a recipient that is not there", (file) => ["protect", ...signedWith(ann()), "--recipient-cert", file]),
  missing("a password that is not there", (file) => ["open", ...openedWith(bob()), "--password-file", file]),
  missing("a folder for the report that is not there", (file) => ["open", "--report", `${file}/report.json`]),
  missing("a folder for protect's report that is not there", (file) => ["protect", ...both(), "--report", `${file}/r`]),

  broken("a key that is none", (file) => ["open", "--key", file, "--cert", bob().certificateFile]),
  broken("a certificate that is none", (file) => ["open", "--key", bob().keyFile, "--cert", file]),
  broken("an anchor that is none", (file) => ["open", "--trust", file]),
  broken("a recipient's certificate that is none", (file) => [
    "protect",
    ...signedWith(ann()),
    "--recipient-cert",
    file,
  ]),
  broken("a CRL that is none", (file) => ["open", "--crl", file]),
  {
    what: "a certificate of another key",
    args: () => ["open", "--key", bob().keyFile, "--cert", ann().certificateFile],
    exit: 65,
    said: /is not the certificate of the key/,
  },
  {
    what: "a recipient whose certificate is for signing only",
    args: () => ["protect", ...signedWith(ann()), ...sealedTo(ann())],
    exit: 65,
    said: /the certificate of .*a\.example.* is not for encryption/,
  },
  {
    what: "a signer whose certificate is for encryption only",
    args: () => ["protect", ...signedWith(bob()), ...sealedTo(bob())],
    exit: 65,
    said: /the certificate of .*b\.example.* is not for signing/,
  },
  {
    what: "more recipients than are read",
    args: () => ["protect", ...signedWith(ann()), ...Array.from({ length: 201 }, () => sealedTo(bob())).flat()],
    exit: 65,
    said: /201 recipients, more than 200/,
  },
  {
    what: "a damaged certificate",
    args: () => ["open", "--trust", damaged()],
    exit: 65,
    said: /damaged\.crt.*offset \d+/,
  },
];

withPeers(["openssl"], cases.length + 3, () => {
  for (const { what, args, exit, said } of cases) {
    test(`${exit}: ${what}`, async () => {
      const { status, stdout, stderr } = await runPostern(args(), message);
      assert.deepEqual([status, stdout.length], [exit, 0], stderr);
      assert.match(stderr, said);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    });
  }

  for (const command of ["protect", "open", "explain"]) {
    test(`${command} --help names each of its options`, async () => {
      const { status, stdout } = await runPostern([command, "--help"]);
      assert.equal(status, 0);
      const named = [...stdout.toString().matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name);
      assert.ok(named.includes("report") && named.includes("time") && named.length > 10);
    });
  }
});

function usage(what: string, args: () => string[], said: RegExp): Case {
  return { what, args, exit: 64, said };
}

function missing(what: string, args: (file: string) => string[]): Case {
  return { what, args: () => args("/nowhere/at-all"), exit: 69, said: /\/nowhere\/at-all.*ENOENT/ };
}

function broken(what: string, args: (file: string) => string[]): Case {
  return { what, args: () => args(writeFile("broken", "no PEM, no DER\n")), exit: 65, said: /broken/ };
}

/** A certificate whose last octets are missing. */
function damaged(): string {
  const { raw } = new X509Certificate(readFileSync(community().root.certificateFile));
  return writeFile("damaged.crt", raw.subarray(0, -10));
}

function ann(): Credential {
  return community().signing("a.example", "p256");
}

function bob(): Credential {
  return community().encryption("b.example", "rsa2048");
}

function both(): string[] {
  return [...signedWith(ann()), ...sealedTo(bob())];
}
