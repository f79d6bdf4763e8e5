// A throw-away community for tests and benchmarks: a root, an intermediate, and for each domain signing and encryption
// certificates of every kind, made by the openssl command line, so that no certificate here is of our own encoding.
// Credentials are made when first asked for; the folder goes when the process ends.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Domain = "a.example" | "b.example";
export type SigningKind = "rsa2048" | "rsa3072" | "p256" | "p384" | "p521" | "ed25519";
export type EncryptionKind = "rsa2048" | "rsa3072" | "p256" | "p384" | "p521" | "x25519";
export type AuthorityKind = "p256" | "rsa2048";

/** Certificates of a.example that must not be believed, or only under conditions. */
export type Misfit =
  | "expired"
  | "notYetValid"
  | "wrongName" // names domain-signing-authority@c.example
  | "noKeyUsage" // the extension is absent
  | "wrongKeyUsage" // keyEncipherment only, on a signing certificate
  | "noAddress" // no subjectAltName
  | "rsa1024"
  | "sha1Signed"
  | "caFlagMissing" // issued by an end entity
  | "stranger"; // issued by a root that nobody trusts

/** Files, PEM, one object each. `issuerFile` is the certificate of the issuer, a root's own. */
export type Credential = { readonly keyFile: string; readonly certificateFile: string; readonly issuerFile: string };

export type Community = {
  readonly folder: string;
  readonly root: Credential;
  /** Issues all certificates of the domains; the root itself where the community has no intermediate. */
  readonly issuer: Credential;
  signing(domain: Domain, kind: SigningKind): Credential;
  encryption(domain: Domain, kind: EncryptionKind): Credential;
  misfit(what: Misfit): Credential;
};

let shared: Community | undefined;

/** The community of this process. */
export function community(): Community {
  shared ??= makeCommunity();
  return shared;
}

/** `intermediate: false` lets the root issue, so that a path has one signature to check. */
export function makeCommunity(options: { authority?: AuthorityKind; intermediate?: boolean } = {}): Community {
  const { authority = "p256", intermediate = true } = options;
  const folder = mkdtempSync(join(tmpdir(), "postern-community-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

  const mint = new Mint(folder);
  const root = mint.certify("root", authority, { subject: "/O=see/CN=Root", extensions: authorityExtensions });
  const issuer = intermediate
    ? mint.certify("issuer", authority, { subject: "/O=see/CN=Issuer", extensions: issuerExtensions, issuer: root })
    : root;

  return {
    folder,
    root,
    issuer,
    signing: (domain, kind) => mint.certify(`${domain}-signing-${kind}`, kind, { ...signing(domain), issuer }),
    encryption: (domain, kind) =>
      mint.certify(`${domain}-encryption-${kind}`, kind, { ...encryption(domain, kind), issuer }),
    misfit: (what) => makeMisfit(mint, what, issuer),
  };
}

type Contents = {
  readonly subject: string;
  readonly extensions: readonly string[];
  readonly issuer?: Credential; // none: signed with its own key
  readonly digest?: "sha1" | "sha256";
  /** Dates as ASN.1 writes them; default: from now for ten years. */
  readonly validity?: { readonly from: string; readonly to: string };
};

const keyParameters = {
  rsa1024: ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
  rsa2048: ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  rsa3072: ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
  p256: ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  p384: ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  p521: ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
  ed25519: ["ED25519"],
  x25519: ["X25519"],
} as const;

const keyIdentifiers = ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"];
const authorityExtensions = [
  "subjectKeyIdentifier=hash",
  "basicConstraints=critical,CA:TRUE",
  "keyUsage=critical,keyCertSign,cRLSign",
];
const issuerExtensions = [...authorityExtensions, "authorityKeyIdentifier=keyid"];
const endEntity = [...keyIdentifiers, "basicConstraints=critical,CA:FALSE", "extendedKeyUsage=emailProtection"];

function signing(domain: string): Contents {
  return {
    subject: `/O=${domain}/CN=domain-signing-authority`,
    extensions: [
      ...endEntity,
      "keyUsage=critical,digitalSignature",
      `subjectAltName=email:domain-signing-authority@${domain}`,
    ],
  };
}

function encryption(domain: string, kind: EncryptionKind): Contents {
  const usage = kind.startsWith("rsa") ? "keyEncipherment" : "keyAgreement";
  return {
    subject: `/O=${domain}/CN=domain-confidentiality-authority`,
    extensions: [
      ...endEntity,
      `keyUsage=critical,${usage}`,
      `subjectAltName=email:domain-confidentiality-authority@${domain}`,
    ],
  };
}

function makeMisfit(mint: Mint, what: Misfit, issuer: Credential): Credential {
  const good = { ...signing("a.example"), issuer };
  const without = (...names: string[]) =>
    good.extensions.filter((line) => !names.some((name) => line.startsWith(name)));
  const make = (contents: Partial<Contents>, kind: keyof typeof keyParameters = "p256") =>
    mint.certify(`misfit-${what}`, kind, { ...good, ...contents });
  switch (what) {
    case "expired":
      return make({ validity: { from: "20200101000000Z", to: "20210101000000Z" } });
    case "notYetValid":
      return make({ validity: { from: "20980101000000Z", to: "20990101000000Z" } });
    case "wrongName":
      return make({ extensions: signing("c.example").extensions });
    case "noKeyUsage":
      return make({ extensions: without("keyUsage") });
    case "wrongKeyUsage":
      return make({ extensions: [...without("keyUsage"), "keyUsage=critical,keyEncipherment"] }, "rsa2048");
    case "noAddress":
      return make({ extensions: without("subjectAltName") });
    case "rsa1024":
      return make({}, "rsa1024");
    case "sha1Signed":
      return make({ digest: "sha1" });
    case "caFlagMissing":
      return make({ issuer: mint.certify("misfit-not-an-authority", "p256", good) });
    case "stranger":
      return make({
        issuer: mint.certify("misfit-root", "p256", { subject: "/O=see/CN=Root", extensions: authorityExtensions }),
      });
  }
}

class Mint {
  readonly #folder: string;
  readonly #made = new Map<string, Credential>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  certify(name: string, kind: keyof typeof keyParameters, contents: Contents): Credential {
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const path = join(this.#folder, name);
    const certificateFile = `${path}.crt`;
    const issuerFile = contents.issuer?.certificateFile ?? certificateFile;
    const credential = { keyFile: `${path}.key`, certificateFile, issuerFile };
    openssl("genpkey", "-algorithm", ...keyParameters[kind], "-out", credential.keyFile);
    if (contents.validity === undefined) this.#issue(credential, contents);
    else this.#issueDated(credential, contents, contents.validity);
    this.#made.set(name, credential);
    return credential;
  }

  #issue(credential: Credential, contents: Contents): void {
    const { issuer, digest = "sha256" } = contents;
    // -force_pubkey instead of a request: an X25519 key cannot sign one.
    const publicFile = `${credential.keyFile}.pub`;
    openssl("pkey", "-in", credential.keyFile, "-pubout", "-out", publicFile);
    openssl(
      ...["x509", "-new", "-force_pubkey", publicFile, "-subj", contents.subject, "-days", "3650", `-${digest}`],
      ...(issuer === undefined
        ? ["-key", credential.keyFile]
        : ["-CA", issuer.certificateFile, "-CAkey", issuer.keyFile]),
      ...["-extfile", this.#extensionFile(credential, contents), "-out", credential.certificateFile],
    );
  }

  /** `openssl ca` is the only way that OpenSSL 3.0 offers to choose both dates. */
  #issueDated(credential: Credential, contents: Contents, { from, to }: { from: string; to: string }): void {
    const issuer = contents.issuer;
    if (issuer === undefined) throw new Error("a dated certificate needs an issuer");
    const base = `${credential.certificateFile}.ca`;
    openssl("req", "-new", "-key", credential.keyFile, "-subj", contents.subject, "-out", `${base}.csr`);
    writeFileSync(`${base}.index`, "");
    const settings = ["[ca]", "default_ca=own", "[own]", `database=${base}.index`, `new_certs_dir=${this.#folder}`];
    const policy = ["policy=any", "default_md=sha256", "rand_serial=yes", "[any]", "O=supplied", "CN=supplied", ""];
    writeFileSync(`${base}.cnf`, [...settings, ...policy].join("\n"));
    openssl(
      ...["ca", "-config", `${base}.cnf`, "-batch", "-notext", "-in", `${base}.csr`, "-startdate", from],
      ...["-enddate", to, "-cert", issuer.certificateFile, "-keyfile", issuer.keyFile],
      ...["-extfile", this.#extensionFile(credential, contents), "-out", credential.certificateFile],
    );
  }

  #extensionFile(credential: Credential, contents: Contents): string {
    const file = `${credential.certificateFile}.ext`;
    if (!existsSync(file)) writeFileSync(file, `${contents.extensions.join("\n")}\n`);
    return file;
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
