// What a site's Postfix is made from, and what it is made of. Types only.

import type { Config } from "../config.ts";

export type InstanceName = "hub-out" | "edge-out" | "hub-in" | "edge-in";

/** A Postfix destination, such as `[mail.a.example]:25`; without brackets its MX counts. */
export type NextHop = string;

/** What the gateway's configuration says, and what it cannot know. */
export type PostfixSite = Pick<Config, "hostname" | "postmaster" | "domains" | "limits" | "listen" | "relay"> & {
  /** SHA-256 of Postern's certificates on its listeners, where these have TLS. */
  readonly pins: { readonly inside?: string | undefined; readonly outside?: string | undefined };
  /** The users' mail server, which takes what was opened. */
  readonly users?: NextHop | undefined;
  /** Who may hand in mail for the world. */
  readonly networks?: readonly string[] | undefined;
  /** Where the users' mail server reaches hub-out when it is on another machine. */
  readonly submission?: string | undefined;
  /** Where hub-in takes mail from the world. */
  readonly public?: string | undefined;
  /** A smart host for the world; otherwise MX records. */
  readonly world?: NextHop | undefined;
  /** Certificate with chain, and key, that hub-in shows to the world. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
};

export type Setting = {
  readonly name: string;
  readonly value: string;
  readonly why: string;
  /** The value is a guess, or one of several good ones: the postmaster's counts, whatever it is. */
  readonly yours?: true;
};

/** A line of master.cf. */
export type Service = {
  readonly name: string;
  readonly type: "inet" | "unix" | "fifo" | "unix-dgram" | "pass";
  /** private, unprivileged, chroot, wakeup, process limit: as in the file. */
  readonly columns: readonly [string, string, string, string, string];
  readonly command: string;
  readonly overrides?: readonly Setting[];
};
