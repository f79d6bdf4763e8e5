// What the stages of the gateway hand to each other, and what they need to work. Types only.

import type { ByteSource, MakeSpool } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import type { DecryptionKey } from "../cms.ts";
import type { PrivateKey } from "../crypto.ts";
import type { Snapshot } from "../directory.ts";
import type { DomainName } from "../domain.ts";
import type { HeaderBlock } from "../mime.ts";
import type { OpenReport, ProfileName } from "../smime.ts";
import type { Envelope, Hop, Mailbox, MailParameters, Peer, Reply } from "../smtp.ts";
import type { Certificate, Crl } from "../x509.ts";

/** Towards our own users, or towards the world. */
export type Side = "inside" | "outside";

/** A domain whose mail is signed, encrypted and opened here. */
export type OwnDomain = {
  readonly name: DomainName;
  readonly signing: {
    readonly key: PrivateKey;
    readonly certificate: Certificate;
    readonly chain: readonly Certificate[];
  };
  readonly decryption: readonly DecryptionKey[];
};

export type Trust = {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly crls: readonly Crl[];
  readonly revocation: "ignore" | "check" | "require";
};

export type Services = {
  /** Our name in trace fields. */
  readonly hostname: string;
  readonly authservId: string;
  readonly domains: ReadonlyMap<string, OwnDomain>;
  readonly trust: Trust;
  /** The directory as it is now; a message is judged by one snapshot throughout. */
  readonly snapshot: () => Snapshot;
  readonly hops: Readonly<Record<Side, Hop>>;
  readonly relay: (hop: Hop, envelope: Envelope, message: ByteSource) => Promise<readonly Reply[]>;
  readonly makeSpool: MakeSpool;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly report: (report: PassageReport) => void;
};

/** A message that has arrived whole. */
export type Accepted = {
  readonly id: string;
  readonly from: Side;
  readonly at: Date;
  readonly envelope: Envelope;
  readonly peer: Peer;
  /** What claims to be ours and came from outside is no longer in it. */
  readonly header: HeaderBlock;
  readonly body: () => ByteSource;
  readonly octets: number;
  readonly snapshot: Snapshot;
  readonly dispose: () => void;
};

/** Recipients that are served alike, and how. */
export type Group = { readonly recipients: readonly Mailbox[]; readonly domain: string } & Treatment;

export type Treatment =
  | {
      readonly kind: "protect";
      readonly as: OwnDomain;
      readonly certificates: readonly Certificate[];
      readonly profile: ProfileName;
    }
  | { readonly kind: "open"; readonly as: OwnDomain }
  | { readonly kind: "pass"; readonly towards: Side }
  | { readonly kind: "refuse"; readonly answer: Reply; readonly reason: string };

/** A message ready to leave, or the answer that stands in its place. */
export type Prepared =
  | {
      readonly towards: Side;
      readonly parameters: MailParameters;
      readonly message: ByteSource;
      readonly findings: Findings;
      /** What the next hop refuses for good must not be told to who sent it. */
      readonly conceal?: boolean;
      readonly dispose?: () => void;
    }
  | { readonly answer: Reply; readonly findings: Findings };

/** What a stage has to say about a group, for people and logs. */
export type Findings = {
  readonly code: string;
  readonly reason?: string;
  readonly signature?: string;
  readonly contentEncryption?: string;
  /** SHA-256 of the certificates encrypted to. */
  readonly certificates?: readonly string[];
  readonly opened?: OpenReport;
};

export type Outcome = {
  readonly group: Group;
  readonly replies: readonly Reply[];
  readonly findings: Findings;
  readonly octetsOut: number;
  readonly ms: number;
};

/** One group of one message, as it went. */
export type PassageReport = {
  readonly format: "postern-report/1";
  readonly command: "gateway";
  readonly id: string;
  readonly time: string;
  readonly direction: "outbound" | "inbound";
  readonly treatment: Treatment["kind"];
  readonly client: string;
  readonly reversePath: string;
  readonly domain: string;
  readonly recipients: readonly { readonly forwardPath: string; readonly reply: string }[];
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly ms: number;
} & Findings;
