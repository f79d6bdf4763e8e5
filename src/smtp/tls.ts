// TLS between neighbours that know each other: a pinned certificate instead of a public authority.

/** PEM, as read from a file. */
export type TlsIdentity = { readonly certificate: string | Buffer; readonly key: string | Buffer };

/** A listener with `tls` takes no mail before STARTTLS; with `pins`, from nobody whose certificate is not pinned. */
export type ListenTls = TlsIdentity & {
  /** SHA-256 of the client certificates in DER, in hex; colons and case do not matter. */
  readonly pins?: readonly string[];
};

/** A hop with `tls` gets no mail before STARTTLS, and only when its certificate is one of the pinned. */
export type HopTls = { readonly pins: readonly string[] } & Partial<TlsIdentity>;
