// Stage 4a. Incoming mail is opened and judged, and the table says what its verdict permits.

import { isAscii } from "node:buffer";
import { type ByteSource, sourceOf } from "../bytes.ts";
import { formatEntity, fromDomain, type HeaderBlock } from "../mime.ts";
import { admit } from "../rules.ts";
import { type Opened, type OpenReport, open as openLayers, smimeKindOf } from "../smime.ts";
import { type MailParameters, reply } from "../smtp.ts";
import { type Binding, signerJudge } from "../trust.ts";
import { signerBinding } from "./judge-peer.ts";
import type { Accepted, Group, Prepared, Services } from "./passage.ts";
import { receivedField, verdictFields } from "./trace-fields.ts";

export async function open(accepted: Accepted, group: Group & { kind: "open" }, services: Services): Promise<Prepared> {
  const opened = await opening(accepted, group, services);
  try {
    const { report, afterCbc, content } = opened;
    const findings = {
      code: report.code,
      opened: report,
      ...(report.reason === undefined ? {} : { reason: report.reason }),
    };
    const encrypted = mayBeEncrypted(accepted.header, report);
    const admission = admit({ code: report.code, encrypted, afterCbc, readable: content !== undefined });
    if (admission === "hold" || admission === "defer") {
      opened.dispose();
      // TODO(#3): what is held goes to the hold store, then 250. Until then it stays with the sender; all of this sounds
      // alike to the outside, and like any other doubt.
      return { answer: reply(451, "4.3.0", "Cannot be handled now, try again later"), findings };
    }
    const restored = admission === "deliver" && content !== undefined ? content : () => original(accepted);
    const trace = [...verdictFields(accepted, report, services), receivedField(accepted, group, services)];
    return {
      towards: "inside",
      message: onTop(trace, restored()),
      parameters: await parametersFor(accepted, restored()),
      findings,
      conceal: restored === content && !isSignersOwn(accepted, report),
      dispose: opened.dispose,
    };
  } catch (thrown) {
    opened.dispose();
    throw thrown;
  }
}

/** The sender of the envelope is of the domain that signed: it may know what becomes of its own mail. */
function isSignersOwn({ envelope }: Accepted, { code, domain }: OpenReport): boolean {
  return code === "OK" && domain !== undefined && envelope.reversePath?.domain === domain;
}

function opening(accepted: Accepted, { as }: Group & { kind: "open" }, services: Services): Promise<Opened> {
  const { trust, makeSpool } = services;
  const now = accepted.at;
  const binding = bindingOf(accepted);
  return openLayers(original(accepted), {
    keys: as.decryption,
    judgeSigner: signerJudge({ ...trust, now, legacy: false, binding }),
    certificates: [],
    legacy: false,
    now,
    makeSpool,
    binding: "domain" in binding ? { domain: binding.domain } : {},
  });
}

/** A signer must be From's own domain, or one above it that speaks for its subdomains in the directory. */
function bindingOf({ header, snapshot }: Accepted): Binding {
  const from = fromDomain(header);
  if (from === undefined) return { kind: "unknown" };
  return signerBinding(from.domain, snapshot.find(from.domain));
}

/** What could not be read may have been encrypted, unless its own header says that it was only signed. */
function mayBeEncrypted(header: HeaderBlock, { layers }: OpenReport): boolean {
  const wasEncrypted = layers.some(({ type }) => type === "envelopedData" || type === "authEnvelopedData");
  return wasEncrypted || (layers.length === 0 && smimeKindOf(header).kind === "cms");
}

function original({ header, body }: Accepted): ByteSource {
  return formatEntity({ header, body: body() });
}

async function* onTop(fields: readonly Uint8Array[], message: ByteSource): ByteSource {
  yield* sourceOf(...fields);
  yield* message;
}

/** What the restored message needs of the next hop; what the sender said of it was about another one. */
async function parametersFor({ envelope }: Accepted, message: ByteSource): Promise<MailParameters> {
  const { smtputf8 } = envelope.parameters;
  const kept = smtputf8 === undefined ? {} : { smtputf8 };
  for await (const chunk of message) if (!isAscii(chunk)) return { ...kept, body: "8BITMIME" };
  return kept;
}
