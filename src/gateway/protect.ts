// Stage 4b. Outgoing mail to a member is signed and encrypted for the member's domain.

import type { ByteSource } from "../bytes.ts";
import { formatEntity } from "../mime.ts";
import { cipherFor, protect as protectLayers, recipientFor, signatureFor } from "../smime.ts";
import type { Accepted, Group, Prepared, Services } from "./passage.ts";
import { receivedField } from "./trace-fields.ts";

export function protect(accepted: Accepted, group: Group & { kind: "protect" }, services: Services): Prepared {
  const { as, certificates, profile } = group;
  const { key, certificate, chain } = as.signing;
  const scheme = signatureFor(profile, certificate);
  const cipher = cipherFor(profile);
  const { smtputf8 } = accepted.envelope.parameters;
  return {
    towards: "outside",
    // Base64 throughout: what the sender announced of size and 8-bit content no longer holds.
    parameters: smtputf8 === undefined ? {} : { smtputf8 },
    message: protectLayers(under(receivedField(accepted, group, services), accepted), {
      signers: [{ key, certificate, scheme, signingTime: accepted.at }],
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
export function pass(accepted: Accepted, group: Group & { kind: "pass" }, services: Services): Prepared {
  const { envelope, octets } = accepted;
  const received = receivedField(accepted, group, services);
  return {
    towards: group.towards,
    parameters: { ...envelope.parameters, size: octets + received.length },
    message: under(received, accepted),
    findings: { code: "UNPROTECTED" },
  };
}

async function* under(received: Uint8Array, { header, body }: Accepted): ByteSource {
  const fields = [{ name: "Received", octets: received }, ...header.fields];
  yield* formatEntity({ header: { ...header, fields }, body: body() });
}
