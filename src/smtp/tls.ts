// TLS between neighbours that know each other: a pinned certificate instead of a public authority (RFC 3207).
//
// Whatever was said in the clear is forgotten: octets that arrive before the handshake end the session, so that nobody
// on the way can slip in a command or a reply (security.md A35).

import { hash } from "node:crypto";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { Connection } from "./connection.ts";
import { smtpError } from "./smtp-error.ts";

/** PEM, as read from a file. */
export type TlsIdentity = { readonly certificate: string | Buffer; readonly key: string | Buffer };

/** A listener with `tls` takes no mail before STARTTLS; with `pins`, from nobody whose certificate is not pinned. */
export type ListenTls = TlsIdentity & {
  /** SHA-256 of the client certificates in DER, in hex; colons and case do not matter. */
  readonly pins?: readonly string[];
};

/** A hop with `tls` gets no mail before STARTTLS, and only when its certificate is one of the pinned. */
export type HopTls = { readonly pins: readonly string[] } & Partial<TlsIdentity>;

const contexts = new WeakMap<object, SecureContext>();

/** Made once per identity; throws at once when key and certificate are not what they should be. */
export function secureContext(tls: Partial<TlsIdentity>): SecureContext {
  const made = contexts.get(tls);
  if (made !== undefined) return made;
  const { certificate: cert, key } = tls;
  const identity = cert === undefined || key === undefined ? {} : { cert, key };
  const context = createSecureContext({ ...identity, minVersion: "TLSv1.2" });
  contexts.set(tls, context);
  return context;
}

/** The server's side, after its 220 was said and before anything else can arrive. */
export async function secureAsServer(
  plain: Connection,
  context: SecureContext,
  pins: readonly string[] | undefined,
  timeoutMs: number,
): Promise<Connection> {
  const socket = new TLSSocket(plain.release(), {
    isServer: true,
    secureContext: context,
    requestCert: pins !== undefined,
    rejectUnauthorized: false,
  });
  return established(socket, "secure", pins, timeoutMs);
}

/** The client's side, after the hop's 220. */
export async function secureAsClient(plain: Connection, tls: HopTls, timeoutMs: number): Promise<Connection> {
  const socket = connect({
    socket: plain.release(),
    secureContext: secureContext(tls),
    rejectUnauthorized: false,
  });
  return established(socket, "secureConnect", tls.pins, timeoutMs);
}

function established(
  socket: TLSSocket,
  event: "secure" | "secureConnect",
  pins: readonly string[] | undefined,
  timeoutMs: number,
): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  // Reads from the start, so that an end is seen during the handshake too.
  const connection = new Connection(socket);
  const fail = (why: string): void => {
    clearTimeout(timer);
    connection.destroy();
    reject(smtpError("SMTP_TLS", "temporary", why));
  };
  const timer = setTimeout(() => fail("no handshake in its time"), timeoutMs);
  const broken = (error?: Error & { readonly reason?: string }): void =>
    fail(`no handshake: ${error?.reason ?? error?.message ?? "the connection was closed"}`);
  const failures = ["error", "_tlsError", "end", "close"];
  for (const failure of failures) socket.once(failure, broken);
  socket.once(event, () => {
    if (pins !== undefined && !isPinned(socket, pins)) return fail("the certificate of the other side is not pinned");
    clearTimeout(timer);
    for (const failure of failures) socket.off(failure, broken);
    resolve(connection);
  });
  return promise;
}

function isPinned(socket: TLSSocket, pins: readonly string[]): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return false;
  const seen = hash("sha256", certificate.raw, "hex");
  return pins.some((pin) => pin.replaceAll(":", "").toLowerCase() === seen);
}
