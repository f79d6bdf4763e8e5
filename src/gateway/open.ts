// Stage 6a. Incoming mail is opened and judged, and the table says what its verdict permits. What was protected only to be
// handed to the next house served here (exchange) takes both halves of its way in one.

import { isAscii } from "node:buffer";
import { type ByteSource, sourceOf } from "../bytes.ts";
import { formatEntity, fromDomain, type HeaderBlock, mendLineEnds } from "../mime.ts";
import { admit } from "../rules.ts";
import { type Opened, type OpenReport, open as openLayers, smimeKindOf } from "../smime.ts";
import { formatMailbox, type MailParameters, reply } from "../smtp.ts";
import { type Binding, signerJudge } from "../trust.ts";
import { makeEnvid } from "./envid.ts";
import { signerBinding } from "./judge-peer.ts";
import type { Accepted, Findings, Group, OwnDomain, Prepared, Services } from "./passage.ts";
import { sealed } from "./protect.ts";
import { receivedField, verdictFields } from "./trace-fields.ts";

export async function open(accepted: Accepted, group: Group & { kind: "open" }, services: Services): Promise<Prepared> {
  const original = (): ByteSource => formatEntity({ header: accepted.header, body: accepted.body() });
  const opened = await opening(accepted, group.as, original(), services, original);
  const { report, afterCbc, content } = opened;
  const encrypted = mayBeEncrypted(accepted.header, report);
  const admission = admit({ code: report.code, encrypted, afterCbc, readable: content !== undefined });
  const findings = findingsOf(report);
  if (admission === "hold" || admission === "defer") {
    opened.dispose();
    return { kind: "hold", patient: admission === "defer", findings };
  }
  if (admission === "deliver") return delivered(accepted, group, opened, findings, services);
  opened.dispose();
  return untouched(accepted, group, report, original, services);
}

export async function exchange(
  accepted: Accepted,
  group: Group & { kind: "exchange" },
  services: Services,
): Promise<Prepared> {
  const outgoing = sealed(accepted, group);
  const opened = await opening(accepted, group.to, outgoing.message, services);
  const findings = { ...findingsOf(opened.report), sealed: outgoing.findings };
  if (opened.report.code === "OK") return delivered(accepted, group, opened, findings, services);
  opened.dispose();
  return { kind: "answer", answer: reply(451, "4.7.5", "Cannot be exchanged under protection now"), findings };
}

/** The restored message under the verdict. */
async function delivered(
  accepted: Accepted,
  group: Group,
  opened: Opened,
  findings: Findings,
  services: Services,
): Promise<Prepared> {
  const { report, content, dispose } = opened;
  try {
    if (content === undefined) throw new Error(`${report.code} lets nothing be delivered`);
    const read = (await mendLineEnds(content)) ?? content();
    const tellable = isSignersOwn(accepted, report);
    return {
      kind: "send",
      towards: "inside",
      message: onTop(traceOf(accepted, group, report, services), read),
      parameters: await parametersFor(accepted, content(), tellable, services),
      findings,
      conceal: !tellable,
      dispose,
    };
  } catch (thrown) {
    dispose();
    throw thrown;
  }
}

/** The message as it came, and the verdict that says so. */
async function untouched(
  accepted: Accepted,
  group: Group,
  report: OpenReport,
  original: () => ByteSource,
  services: Services,
): Promise<Prepared> {
  const { size: _, ...parameters } = accepted.envelope.parameters;
  const mended = accepted.peer.protocol.includes("LMTP") ? await mendLineEnds(original) : undefined;
  return {
    kind: "send",
    towards: "inside",
    message: onTop(traceOf(accepted, group, report, services), mended ?? original()),
    parameters,
    findings: findingsOf(report),
  };
}

function traceOf(accepted: Accepted, group: Group, report: OpenReport, services: Services): readonly Uint8Array[] {
  return [...verdictFields(accepted, report, services), receivedField(accepted, group, services)];
}

function findingsOf(report: OpenReport): Findings {
  const { code, reason } = report;
  return { code, opened: report, ...(reason === undefined ? {} : { reason }) };
}

/** The sender of the envelope is of the domain that signed: it may know what becomes of its own mail. */
function isSignersOwn({ envelope }: Accepted, { code, domain }: OpenReport): boolean {
  return code === "OK" && domain !== undefined && envelope.reversePath?.domain === domain;
}

function opening(
  accepted: Accepted,
  as: OwnDomain,
  message: ByteSource,
  { trust, makeSpool }: Services,
  again?: () => ByteSource,
): Promise<Opened> {
  const now = accepted.at;
  const binding = bindingOf(accepted);
  return openLayers(message, {
    keys: as.decryption,
    judgeSigner: signerJudge({ ...trust, now, legacy: false, binding }),
    certificates: [],
    legacy: false,
    now,
    makeSpool,
    ...(again === undefined ? {} : { again }),
    binding: "domain" in binding ? { domain: binding.domain } : {},
  });
}

/** A signer must be From's own domain, or one above it that speaks for its subdomains in the directory. */
function bindingOf({ header, snapshot }: Accepted): Binding {
  const from = fromDomain(header);
  return from === undefined ? { kind: "unknown" } : signerBinding(from.domain, snapshot.find(from.domain));
}

/** What could not be read may have been encrypted, unless its own header says that it was only signed. */
function mayBeEncrypted(header: HeaderBlock, { layers }: OpenReport): boolean {
  const wasEncrypted = layers.some(({ type }) => type === "envelopedData" || type === "authEnvelopedData");
  return wasEncrypted || (layers.length === 0 && smimeKindOf(header).kind === "cms");
}

async function* onTop(fields: readonly Uint8Array[], message: ByteSource): ByteSource {
  yield* sourceOf(...fields);
  yield* message;
}

/**
 * What the restored message needs of the next hop; what the sender said of it was about another one. Whoever reports
 * about it returns its header only and our mark, by which the report is known when it wants to leave (security.md A46).
 */
async function parametersFor(
  { envelope: { reversePath, parameters } }: Accepted,
  message: ByteSource,
  tellable: boolean,
  { ledgerKey }: Services,
): Promise<MailParameters> {
  const { smtputf8, envid } = parameters;
  const claim = { tellable, ...(envid === undefined ? {} : { envid }) };
  const kept: MailParameters = {
    ret: "HDRS",
    ...(smtputf8 === undefined ? {} : { smtputf8 }),
    ...(reversePath === undefined ? {} : { envid: makeEnvid(ledgerKey, claim, formatMailbox(reversePath)) }),
  };
  for await (const chunk of message) if (!isAscii(chunk)) return { ...kept, body: "8BITMIME" };
  return kept;
}
