// What the stages of the gateway hand to each other, and what they need to work. Types only.

import type { ByteSource, MakeSpool } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import type { DecryptionKey } from "../cms.ts";
import type { PrivateKey } from "../crypto.ts";
import type { Snapshot } from "../directory.ts";
import type { DomainName } from "../domain.ts";
import type { HeaderBlock } from "../mime.ts";
import type { OpenReport, ProfileName } from "../smime.ts";
import type { Envelope, ForwardPath, Hop, MailParameters, Peer, Reply } from "../smtp.ts";
import type { Journal, Plan, Store } from "../store.ts";
import type { Certificate, Crl } from "../x509.ts";
import type { MessageKeys } from "./identity.ts";
import type { Turns } from "./turns.ts";

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
  readonly postmaster: string;
  readonly domains: ReadonlyMap<string, OwnDomain>;
  readonly trust: Trust;
  /** The directory as it is now; a message is judged by one snapshot throughout. */
  readonly snapshot: () => Snapshot;
  readonly hops: Readonly<Record<Side, Hop>>;
  /** Where mail of our own making enters. */
  readonly submit?: Hop;
  readonly relay: (hop: Hop, envelope: Envelope, message: ByteSource) => Promise<readonly Reply[]>;
  readonly makeSpool: MakeSpool;
  readonly store: Store;
  readonly journal: Journal;
  /** Whose hashes stand for addresses in the ledger, in probes and in trace fields. */
  readonly ledgerKey: Uint8Array;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly report: (report: PassageReport) => void;
  /** Something that an administrator must hear of and that stops no mail. */
  readonly alarm: (thrown: unknown) => void;
};

/** A message that has arrived whole and that nobody has looked into. */
export type Arrived = {
  readonly id: string;
  readonly from: Side;
  readonly at: Date;
  readonly envelope: Envelope;
  readonly peer: Peer;
  /** What our mail server calls it. */
  readonly queueId?: string;
  readonly keys: MessageKeys;
  /** SHA-256 of the octets as they came, in hex. */
  readonly digest: string;
  readonly octets: number;
  /** As it came, as often as wanted until `dispose`. */
  readonly raw: () => ByteSource;
  /** An administrator had it judged once more: it lies in the hold store already. */
  readonly released: boolean;
  /** How long its octets took to come, and when (by performance.now) they were here. */
  readonly arrivalMs: number;
  readonly arrivedMs: number;
  readonly dispose: () => void;
};

/** A message that is about to be judged: what pretends to be ours is off. */
export type Accepted = Arrived & {
  /** What claims to be ours and came from outside is no longer in it. */
  readonly header: HeaderBlock;
  readonly body: () => ByteSource;
  /** Why its header could not be read. */
  readonly unreadable?: string;
  readonly outward: Outward;
  /** Whom the ledger does not know as served, and whom it does. */
  readonly recipients: readonly ForwardPath[];
  readonly served: readonly ForwardPath[];
  readonly snapshot: Snapshot;
  /** What was decided when it was first seen, if it was seen before. */
  readonly plan: () => Promise<Plan | undefined>;
};

/** The message as the world may see it. */
export type Outward =
  | { readonly kind: "leaves"; readonly header: HeaderBlock; readonly body: () => ByteSource }
  | { readonly kind: "hold"; readonly code: string; readonly reason: string };

/** Recipients that are served alike, and how. */
export type Group = {
  readonly recipients: readonly ForwardPath[];
  /** Of the recipients; left out where there are several. */
  readonly domain?: string;
} & Treatment;

export type Treatment =
  | ProtectTreatment
  | { readonly kind: "open"; readonly as: OwnDomain }
  /** From one domain served here to another: both halves of the way in one. */
  | (Omit<ProtectTreatment, "kind"> & { readonly kind: "exchange"; readonly to: OwnDomain })
  | { readonly kind: "pass"; readonly towards: Side }
  | { readonly kind: "hold"; readonly code: string; readonly reason: string }
  | { readonly kind: "refuse"; readonly answer: Reply; readonly reason: string }
  /** A message of `postern check`, of which only is wanted that it came by. */
  | { readonly kind: "probe"; readonly token: string; readonly answer: Reply }
  /** In the ledger: the answer got lost the last time. */
  | { readonly kind: "served" };

type ProtectTreatment = {
  readonly kind: "protect";
  readonly as: OwnDomain;
  readonly certificates: readonly Certificate[];
  readonly profile: ProfileName;
};

/** A message ready to leave, or what happens in its place. */
export type Prepared =
  | {
      readonly kind: "send";
      readonly towards: Side;
      readonly parameters: MailParameters;
      readonly message: ByteSource;
      readonly findings: Findings;
      /** Opened mail whose fate must not be told to who sent it. */
      readonly conceal?: boolean;
      readonly dispose?: () => void;
    }
  | { readonly kind: "answer"; readonly answer: Reply; readonly findings: Findings }
  /** Neither delivered nor lost; `patient`: time may mend it first. */
  | { readonly kind: "hold"; readonly patient: boolean; readonly findings: Findings };

/** What a stage has to say about a group, for people and logs. */
export type Findings = {
  readonly code: string;
  readonly reason?: string;
  readonly signature?: string;
  readonly contentEncryption?: string;
  /** SHA-256 of the certificates encrypted to. */
  readonly certificates?: readonly string[];
  readonly opened?: OpenReport;
  /** Of an exchange: the half in which the message left the other domain. */
  readonly sealed?: Findings;
};

/** A group whose message can be handed on. */
export type Ready = {
  readonly group: Group;
  readonly prepared: Prepared;
  /** Milliseconds: until its turn came, and to make it ready. */
  readonly waited: number;
  readonly took: number;
};

/** What the next hop said to one group, or what was said in its place; undefined for what is to be held. */
export type Relayed = {
  readonly group: Group;
  readonly replies: readonly Reply[] | undefined;
  readonly findings: Findings;
  /** Opened mail whose fate must not be told to who sent it. */
  readonly conceal: boolean;
  /** Time may mend it before it has to be held. */
  readonly patient: boolean;
  readonly octetsOut: number;
  readonly hop?: Hop;
};

/** What we say to each recipient. */
export type Settled = {
  readonly replies: readonly Reply[];
  /** What the next hop said, where that is something else. */
  readonly said?: readonly Reply[];
  /** Which of them lie in the hold store now. */
  readonly held?: readonly boolean[];
};

export type Outcome = Settled & Pick<Relayed, "group" | "findings" | "octetsOut" | "hop"> & { readonly times: Times };

/** Milliseconds: until the group's turn came, until the message was ready, until the next hop had answered. */
export type Times = { readonly waited: number; readonly prepared: number; readonly relayed: number };

/** One group of one message, as it went. */
export type PassageReport = {
  readonly format: "postern-report/1";
  readonly command: "gateway";
  readonly id: string;
  readonly time: string;
  readonly direction: "outbound" | "inbound";
  readonly treatment: Treatment["kind"];
  readonly client: string;
  /** What our mail server calls it. */
  readonly orig?: string;
  readonly messageId?: string;
  readonly reversePath: string;
  /** Left out where the recipients are of several. */
  readonly domain?: string;
  readonly recipients: readonly RecipientReport[];
  readonly relay?: string;
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** Since the message had arrived. */
  readonly ms: number;
  /** Arrival, waiting, preparing, handing over; in milliseconds. */
  readonly delays: readonly [number, number, number, number];
} & Omit<Findings, "sealed">;

export type RecipientReport = {
  readonly forwardPath: string;
  readonly status: "sent" | "held" | "deferred" | "bounced";
  readonly reply: string;
  /** What the next hop said or why it said nothing, where that was not told. */
  readonly said?: string;
};
