// Stage 6b. Outgoing mail to a member is signed and encrypted for the member's domain, and for nobody else: who else gets
// the message cannot be seen in it (security.md A53).

import type { ByteSource } from "../bytes.ts";
import { formatEntity, type HeaderBlock, mendHeader, mendLineEnds } from "../mime.ts";
import { cipherFor, protect as protectLayers, recipientFor, signatureFor } from "../smime.ts";
import { withoutBlindCopies } from "./claims.ts";
import type { Accepted, Findings, Group, Prepared, Services, Treatment } from "./passage.ts";
import { receivedField } from "./trace-fields.ts";

type Sealing = Extract<Treatment, { readonly kind: "protect" | "exchange" }>;

export function protect(accepted: Accepted, group: Group & { kind: "protect" }, services: Services): Prepared {
  const { envid, smtputf8 } = accepted.envelope.parameters;
  const { message, findings } = sealed(accepted, group, receivedField(accepted, group, services));
  return {
    kind: "send",
    towards: "outside",
    // Base64 throughout: what the sender announced of size and 8-bit content no longer holds, and of the ciphertext
    // nobody needs more back than its header.
    parameters: {
      ret: "HDRS",
      ...(envid === undefined ? {} : { envid }),
      ...(smtputf8 === undefined ? {} : { smtputf8 }),
    },
    message,
    findings,
  };
}

/** The message under its layers. Keys and certificates are looked at here, octets when it is read. */
export function sealed(
  { outward, header, body, at }: Accepted,
  { as, certificates, profile }: Sealing,
  trace?: Uint8Array,
): { readonly message: ByteSource; readonly findings: Findings } {
  const { key, certificate, chain } = as.signing;
  const scheme = signatureFor(profile, certificate);
  const cipher = cipherFor(profile);
  const source = outward.kind === "leaves" ? outward : { header, body };
  return {
    // Of the header much stays outside the layers; the body's octets are kept as they came (decision record 0010).
    message: protectLayers(under(trace, mendHeader(withoutBlindCopies(source.header)), source.body()), {
      signers: [{ key, certificate, scheme, signingTime: at }],
      chain,
      recipients: certificates.map((recipient) => recipientFor(recipient, profile)),
      cipher,
      form: "opaque",
      innerEncoding: "base64",
      ber: false,
    }),
    findings: {
      code: "OK",
      signature: scheme.name,
      contentEncryption: cipher.name,
      certificates: certificates.map(({ sha256 }) => sha256),
    },
  };
}

/** Mail that is not ours to change goes on as it came, but for one trace field. */
export async function pass(accepted: Accepted, group: Group & { kind: "pass" }, services: Services): Promise<Prepared> {
  const { envelope, octets, outward, peer } = accepted;
  const received = receivedField(accepted, group, services);
  const { header, body } = group.towards === "outside" && outward.kind === "leaves" ? outward : accepted;
  const whole = (): ByteSource => under(received, header, body());
  // Who speaks SMTP has been refused such a message at the door.
  const mended = peer.protocol.includes("LMTP") ? await mendLineEnds(whole) : undefined;
  const changed = mended !== undefined || header !== accepted.header;
  const { size: _, ...parameters } = envelope.parameters;
  return {
    kind: "send",
    towards: group.towards,
    parameters: changed ? parameters : { ...parameters, size: octets + received.length },
    message: mended ?? whole(),
    findings: { code: "UNPROTECTED" },
  };
}

async function* under(trace: Uint8Array | undefined, header: HeaderBlock, body: ByteSource): ByteSource {
  const fields = trace === undefined ? header.fields : [{ name: "Received", octets: trace }, ...header.fields];
  yield* formatEntity({ header: { ...header, fields }, body });
}
