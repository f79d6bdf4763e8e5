// From a directory entry (interface of the directory, docs) to a member: a checked value, with a reason for each fault.
//
// A fault never makes a member a stranger, for mail to strangers leaves in clear: what is wrong in an entry is named,
// and where it leaves doubt about the member the member is suspended.

import { type DomainName, parseDomainName } from "../domain.ts";
import { isSecureMailError } from "../errors.ts";
import { type LdifEntry, type LdifValue, ldifText } from "../ldif.ts";
import { type Certificate, cachedCertificate, parseEmailAddress } from "../x509.ts";

export type MemberStatus = "test" | "active" | "suspended" | "left";
export type MemberClass = "interim" | "full" | "trustedPartner" | "external" | "testOnly";
export type MemberProfile = "L" | "B" | "M" | "Q" | "E";

/** How a signer's certificate says which domain it speaks for. */
export type Identification =
  | { readonly kind: "binding" | "domsec" | "manual" }
  | { readonly kind: "header"; readonly name: string; readonly value: string };

export type Member = {
  readonly name: string;
  readonly domains: readonly DomainName[];
  /** Every certificate of the entry, signing and encryption, each once. */
  readonly certificates: readonly Certificate[];
  /** SHA-256 of the certificates that were compared by hand; where there are some, no other certificate counts. */
  readonly pins: readonly string[];
  readonly status: MemberStatus;
  readonly class: MemberClass;
  /** What the member reads; empty where the entry does not say. */
  readonly profiles: readonly MemberProfile[];
  readonly includeSubdomains: boolean;
  readonly identification: Identification;
  readonly maxClassification?: string;
  readonly maxMessageSize?: number;
  readonly certifiedUntil?: Date;
  readonly contact?: string;
};

export type MemberFault = { readonly dn: string; readonly attribute: string; readonly reason: string };

export type ReadMember = { readonly member?: Member; readonly faults: readonly MemberFault[] };

const statuses: readonly MemberStatus[] = ["test", "active", "suspended", "left"];
const classes: readonly MemberClass[] = ["interim", "full", "trustedPartner", "external", "testOnly"];
const profiles: readonly MemberProfile[] = ["L", "B", "M", "Q", "E"];

/** Local parts by which older products find an entry: a member's, where the entry has no associatedDomain. */
const authorities = ["domain-confidentiality-authority", "domain-signing-authority", "domain-encrypting-authority"];

/** No member and no fault: the entry is about something else. */
export function readMember(entry: LdifEntry): ReadMember {
  const reader = new EntryReader(entry);
  const domains = readDomains(reader);
  if (domains.length === 0) {
    if (reader.texts("objectclass").some((name) => name.toLowerCase() === "posternmember")) {
      reader.fault("associatedDomain", "a member without a domain");
    }
    return { faults: reader.faults };
  }
  const certificates = readCertificates(reader);
  const optional = {
    maxClassification: reader.one("posternMaxClassification"),
    maxMessageSize: reader.one("posternMaxMessageSize", parseSize),
    certifiedUntil: reader.one("posternCertifiedUntil", parseTime),
    contact: reader.one("posternContact"),
  };
  const known = Object.entries(optional).filter(([, value]) => value !== undefined);
  const member: Member = {
    name: reader.one("cn") ?? (domains[0] as string),
    domains,
    certificates,
    pins: reader.all("posternPin", parsePin),
    class: reader.one("posternClass", among(classes)) ?? "full",
    profiles: reader.all("posternProfile", among(profiles)),
    includeSubdomains: reader.one("posternIncludeSubdomains", parseBoolean) ?? false,
    identification: reader.one("posternIdentification", parseIdentification) ?? { kind: "binding" },
    // Last, for every fault that leaves a doubt suspends.
    status: reader.one("posternStatus", among(statuses)) ?? "active",
    ...Object.fromEntries(known),
  };
  return { member: reader.doubt ? { ...member, status: "suspended" } : member, faults: reader.faults };
}

function readDomains(reader: EntryReader): readonly DomainName[] {
  const associated = reader.all("associatedDomain", parseDomainName);
  if (associated.length > 0) return [...new Set(associated)];
  const addresses = reader.texts("mail").map((mail) => parseEmailAddress(mail));
  const own = addresses.flatMap((address) =>
    address !== undefined && authorities.includes(address.localPart.toLowerCase()) ? [address.domain] : [],
  );
  return [...new Set(own)];
}

/** One that cannot be read takes nothing from the others. */
function readCertificates(reader: EntryReader): readonly Certificate[] {
  const certificates = new Map<string, Certificate>();
  for (const { octets } of reader.values("usercertificate")) {
    try {
      const certificate = cachedCertificate(octets);
      certificates.set(certificate.sha256, certificate);
    } catch (thrown) {
      if (!isSecureMailError(thrown)) throw thrown;
      reader.fault("userCertificate", thrown.message);
    }
  }
  return [...certificates.values()];
}

/** Reads attributes of one entry and keeps what was wrong with them. */
class EntryReader {
  readonly faults: MemberFault[] = [];
  /** Something that decides about the member could not be read. */
  doubt = false;
  readonly #entry: LdifEntry;

  constructor(entry: LdifEntry) {
    this.#entry = entry;
  }

  fault(attribute: string, reason: string): void {
    this.faults.push({ dn: this.#entry.dn, attribute, reason });
  }

  values(type: string): readonly LdifValue[] {
    return this.#entry.values.filter((value) => value.type === type.toLowerCase());
  }

  texts(type: string): readonly string[] {
    return this.values(type).flatMap((value) => {
      try {
        return [ldifText(value).trim()];
      } catch (thrown) {
        if (!isSecureMailError(thrown)) throw thrown;
        this.fault(type, thrown.message);
        this.doubt = true;
        return [];
      }
    });
  }

  /** Every value that can be read. */
  all<Value>(type: string, parse: (text: string) => Value | undefined): readonly Value[] {
    return this.texts(type).flatMap((text) => {
      const value = parse(text);
      if (value !== undefined) return [value];
      this.fault(type, `${JSON.stringify(text.slice(0, 100))} is not understood`);
      this.doubt = true;
      return [];
    });
  }

  one(type: string): string | undefined;
  one<Value>(type: string, parse: (text: string) => Value | undefined): Value | undefined;
  one(type: string, parse: (text: string) => unknown = (text) => text): unknown {
    const [first, second] = this.all(type, parse);
    if (second !== undefined) {
      this.fault(type, "more than one value");
      this.doubt = true;
    }
    return first;
  }
}

function among<Value extends string>(allowed: readonly Value[]): (text: string) => Value | undefined {
  return (text) => allowed.find((value) => value.toLowerCase() === text.toLowerCase());
}

/** As hexadecimal digits, with or without the colons that other programs put between octets. */
function parsePin(text: string): string | undefined {
  const digits = text.replaceAll(":", "").toLowerCase();
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  if (/^true$/i.test(text)) return true;
  return /^false$/i.test(text) ? false : undefined;
}

function parseSize(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** GeneralizedTime of RFC 4517, 3.3.13, in UTC and to the second, as servers write it. */
function parseTime(text: string): Date | undefined {
  const shape = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.0+)?Z$/.exec(text);
  if (shape === null) return undefined;
  const [, year, month, day, hours, minutes, seconds] = shape;
  const iso = `${year}-${month}-${day}T${hours}:${minutes}:${seconds}`;
  const time = new Date(`${iso}Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(iso) ? time : undefined;
}

function parseIdentification(text: string): Identification | undefined {
  const kind = (["binding", "domsec", "manual"] as const).find((name) => name === text.toLowerCase());
  if (kind !== undefined) return { kind };
  const header = /^header:([!-9;-~]{1,76}?)=(.{1,500})$/i.exec(text);
  return header === null ? undefined : { kind: "header", name: header[1] as string, value: header[2] as string };
}
