// Take the domain layers off, restore the message, judge. The layers come off one by one; between them the octets
// wait in a spool. Nothing is handed on before the whole has a code.
import { type ByteSource, type MakeSpool, memorySpool, noOctets, type Spool, sourceOf } from "../bytes.ts";
import { CmsError, type DecryptionKey } from "../cms.ts";
import { isSecureMailError, type SecureMailError } from "../errors.ts";
import { ambiguities, type HeaderBlock, readEntity } from "../mime.ts";
import type { Certificate } from "../x509.ts";
import { Remembered, sourceWithHeader } from "./again.ts";
import { describeCertificates, describeEncrypted, describeSigned } from "./describe.ts";
import { codeOfFailure } from "./failures.ts";
import { codeOfSigners, type JudgeSigner, judgeSigners, readableCertificates } from "./judge.ts";
import {
  type ClosedLayer,
  cmsOctets,
  type Layer,
  type LayerServices,
  openCms,
  openMultipartSigned,
  signingMail,
} from "./layer.ts";
import { layoutOf } from "./layout.ts";
import { type SmimeKind, smimeKindOf } from "./media-types.ts";
import { type LayerReport, type OpenReport, outcomeOf, type ReportCode, reportCodes } from "./report.ts";
import { type Payload, restoreMessage } from "./restore.ts";
import { requireUnambiguous } from "./unambiguous.ts";

export type OpenOptions = {
  readonly keys: readonly DecryptionKey[];
  readonly judgeSigner: JudgeSigner;
  /** Signer certificates that a message may lack. */
  readonly certificates: readonly Certificate[];
  readonly legacy: boolean;
  readonly now: Date;
  readonly makeSpool?: MakeSpool;
  /** The same message once more, where the caller keeps it: of one without layers nothing is kept here then. */
  readonly again?: () => ByteSource;
  /** What a bare detached signature covers. */
  readonly detachedContent?: () => ByteSource;
  /** Oddities that were met before the message came here. */
  readonly quirks?: readonly string[];
  /** For the report: what signers are bound to. */
  readonly binding: Pick<OpenReport, "domain" | "address" | "binding">;
};

export type Opened = {
  readonly report: OpenReport;
  /**
   * The restored message (or a bare object's content), as often as wanted, until `dispose`. Absent where nothing
   * may ever be handed on; where the code is not of outcome "opened", whether to hand it on is the caller's rule.
   */
  readonly content?: () => ByteSource;
  /** The content came out of a cipher mode that authenticates nothing (EFAIL, security A22). */
  readonly afterCbc: boolean;
  dispose(): void;
};

// LIMITS: house rules; no honest message has more than three layers.
const maxLayers = 10;
const maxKeyOperations = 2;

/** Opens a mail or MIME entity with CRLF line ends. Never throws for what is in the message: that is the report's code. */
export function open(message: ByteSource, options: OpenOptions): Promise<Opened> {
  return new Opening(options).run(async (opening) => {
    const { header, body } = await readEntity(message);
    try {
      return await opening.openEntity(header, body);
    } finally {
      await body.return?.();
    }
  });
}

/** Opens a bare CMS object in BER or DER. */
export function openBare(octets: ByteSource, options: OpenOptions): Promise<Opened> {
  return new Opening(options).run((opening) => opening.openObject(octets));
}

class Opening {
  readonly #options: OpenOptions;
  readonly #services: LayerServices;
  readonly #quirks: Set<string>;
  readonly #layers: LayerReport[] = [];
  readonly #spools: Spool[] = [];
  #keyOperations = 0;
  #encrypted = false;
  /** Once something came out of a cipher mode that authenticates nothing: the oddities met before it. */
  #quirksOutsideCbc: readonly string[] | undefined;
  #weak = false;
  /** Code and signing time of the innermost signature over what is there now. */
  #signed: { code: ReportCode; signingTime?: Date } | undefined;
  #reason: string | undefined;

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#quirks = new Set(options.quirks);
    const { makeSpool = memorySpool, keys, legacy, detachedContent } = options;
    this.#services = {
      keys,
      legacy,
      makeSpool: () => {
        const spool = makeSpool();
        this.#spools.push(spool);
        return spool;
      },
      ...(detachedContent === undefined ? {} : { detachedContent }),
      countKeyOperation: () => {
        if (++this.#keyOperations > maxKeyOperations)
          throw new CmsError("CMS_LIMIT", `more than ${maxKeyOperations} private-key operations`);
      },
      leftClosed: (layer) => this.#layers.push(describeEncrypted(layer, keys)),
      quirks: this.#quirks,
    };
  }

  async run(steps: (opening: Opening) => Promise<Result>): Promise<Opened> {
    let result: Result;
    try {
      result = await steps(this);
    } catch (failure) {
      if (!isFinding(failure)) {
        this.#dispose();
        throw failure;
      }
      result = { code: this.#codeOf(failure) };
      this.#reason = result.code === "BAD_CONTENT" ? "the content could not be decrypted" : failure.message;
    }
    const { code, content } = result;
    const report: OpenReport = {
      format: "postern-report/1",
      command: "open",
      outcome: outcomeOf(code, content !== undefined),
      code,
      layers: this.#layers,
      ...this.#options.binding,
      quirks: code === "BAD_CONTENT" ? (this.#quirksOutsideCbc ?? [...this.#quirks]) : [...this.#quirks],
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
    if (content === undefined) this.#dispose();
    const dispose = (): void => this.#dispose();
    return {
      report,
      afterCbc: this.#quirksOutsideCbc !== undefined,
      dispose,
      ...(content === undefined ? {} : { content }),
    };
  }

  /** What cannot be read behind an unauthenticated cipher says as much about the key as bad padding does (security A50). */
  #codeOf(failure: SecureMailError): ReportCode {
    const unreadable = !isSecureMailError(failure, "CMS_LIMIT") && unreadableCodes.has(codeOfFailure(failure));
    return this.#quirksOutsideCbc !== undefined && unreadable ? "BAD_CONTENT" : codeOfFailure(failure);
  }

  #dispose(): void {
    for (const spool of this.#spools) spool.dispose();
  }

  async openEntity(outer: HeaderBlock, body: ByteSource): Promise<Result> {
    const kind = smimeKindOf(outer);
    if (kind.kind === "none") return this.#plain(outer, body);
    const read = new Remembered(body);
    const payload = await this.#descend(await this.#openLayer(outer, kind, read.octets()));
    if (payload === undefined) return this.#undelivered(read, (octets) => sourceWithHeader(outer, octets));
    const code = this.#code();
    // All of it is signed, however it is read: named, not refused (decision record 0014).
    if (reportCodes[code].outcome === "opened")
      for (const what of ambiguities(payload.header)) this.#quirks.add(`payload: ${what}`);
    return { code, content: await restoreMessage(outer, payload) };
  }

  /** A message without a layer: read to its end, for what cannot be read must not have begun to be handed on. */
  async #plain(header: HeaderBlock, body: ByteSource): Promise<Result> {
    const { again } = this.#options;
    if (again !== undefined) return { code: "UNPROTECTED", content: again };
    const spool = this.#services.makeSpool();
    for await (const chunk of body) spool.write(chunk);
    return { code: "UNPROTECTED", content: () => sourceWithHeader(header, spool.read()) };
  }

  async openObject(octets: ByteSource): Promise<Result> {
    const read = new Remembered(octets);
    const payload = await this.#descend(await openCms(read.octets(), this.#services), readContent);
    if (payload === undefined) return this.#undelivered(read, (octets) => octets);
    return { code: this.#code(), content: () => payload.spool.read() };
  }

  /** Takes layers off until the payload is reached; undefined where the root stays closed. */
  async #descend(root: Layer | undefined, read: typeof readEntity = readEntity): Promise<Payload | undefined> {
    let layer = root;
    let reached: Payload | undefined;
    while (layer !== undefined) {
      if (this.#layers.length >= maxLayers) throw new CmsError("CMS_LIMIT", `more than ${maxLayers} layers`);
      const spool = await this.#take(layer);
      if (spool === undefined) break;
      const { header, body } = await read(spool.read());
      reached?.spool.dispose();
      reached = { spool, header };
      // Our own record marks the payload: what is S/MIME inside it is the sender's own, and stays.
      const kind = layoutOf(header) === undefined ? smimeKindOf(header) : noLayer;
      layer = kind.kind === "none" ? undefined : await this.#openLayer(header, kind, body);
    }
    return reached;
  }

  /** The layer that this entity is, where it is one of ours to take off. */
  async #openLayer(header: HeaderBlock, kind: SmimeKind, body: ByteSource): Promise<Layer | undefined> {
    requireUnambiguous(header);
    const signed = this.#signed !== undefined;
    if (kind.kind === "multipartSigned") {
      if (signed) return undefined;
      return signingMail(await openMultipartSigned(body, kind.boundary, kind.micalg, this.#services));
    }
    const octets = cmsOctets(header, body, this.#quirks);
    return signed ? this.#openUnderSignature(octets) : signingMail(await openCms(octets, this.#services));
  }

  /** Under a domain's signature, a second one or encryption to somebody else is a person's: not ours to open or to judge. */
  async #openUnderSignature(octets: ByteSource): Promise<Layer | undefined> {
    let closed: ClosedLayer | undefined;
    const leftClosed = (layer: ClosedLayer): void => {
      closed = layer;
    };
    try {
      const layer = await openCms(octets, { ...this.#services, leftClosed }, "encrypted");
      return layer?.kind === "encrypted" ? layer : undefined;
    } catch (failure) {
      const foreign = isFinding(failure) && !isSecureMailError(failure, "CMS_BAD_CONTENT", "CMS_LIMIT");
      if (foreign) return undefined;
      if (closed !== undefined) this.#services.leftClosed(closed);
      throw failure;
    }
  }

  /** Reports a layer and judges its signers; the spool with its content, or undefined where it stays closed. */
  async #take(layer: Layer): Promise<Spool | undefined> {
    if (layer.kind === "certificates") {
      this.#layers.push(describeCertificates(layer, readableCertificates(layer.signedData, this.#quirks)));
      return undefined;
    }
    if (layer.kind === "closed") {
      this.#layers.push(describeEncrypted(layer, this.#services.keys));
      return undefined;
    }
    if (layer.kind === "encrypted") {
      const described = describeEncrypted(layer, this.#services.keys);
      this.#layers.push(described);
      this.#encrypted = true;
      if (layer.head.type === "envelopedData") this.#quirksOutsideCbc ??= [...this.#quirks];
      this.#weak ||= described.weak !== undefined;
      // An outer signature proves transport only: identity is the innermost one's (security A21).
      this.#signed = undefined;
      return layer.spool;
    }
    const signers = await judgeSigners(layer, { ...this.#options, quirks: this.#quirks });
    this.#layers.push(
      describeSigned(
        layer,
        signers.map(({ report }) => report),
      ),
    );
    const code = codeOfSigners(signers.map(({ report }) => report));
    const valid = signers.find(({ report }) => report.code === "OK");
    this.#signed = { code, ...(valid?.signingTime === undefined ? {} : { signingTime: valid.signingTime }) };
    this.#reason = signers.find(({ report }) => report.code === code)?.report.reason ?? layer.broken;
    return layer.spool;
  }

  #code(): ReportCode {
    const weak = this.#weak && !this.#options.legacy;
    if (this.#signed === undefined) return weak ? "WEAK" : "ENCRYPTED_ONLY";
    const { code, signingTime } = this.#signed;
    if (code !== "OK") return code;
    if (weak) return "WEAK";
    if (signingTime !== undefined && isStale(signingTime, this.#options.now)) return "STALE";
    return this.#encrypted ? "OK" : "SIGNED_ONLY";
  }

  /** Nothing came out: encrypted to others, or certificates only, which is a message like any other. */
  #undelivered(read: Remembered, original: (octets: ByteSource) => ByteSource): Result {
    if (this.#layers.at(-1)?.type !== "signedData") return { code: "NO_KEY" };
    const { chunks } = read;
    return { code: "CERTS_ONLY", content: () => original(sourceOf(...chunks)) };
  }
}

const unreadableCodes: ReadonlySet<ReportCode> = new Set(["MALFORMED", "LIMIT"]);

const noLayer: SmimeKind = { kind: "none" };

type Result = { readonly code: ReportCode; readonly content?: () => ByteSource };

/** What a bare object holds need not be a MIME entity: then it has no header that could end too late. */
async function readContent(content: ByteSource): ReturnType<typeof readEntity> {
  try {
    return await readEntity(content);
  } catch (failure) {
    if (!isSecureMailError(failure, "MIME_LIMIT")) throw failure;
    return { header: { fields: [], separator: noOctets }, body: sourceOf() };
  }
}

/** Something about the message; what a disk or a bug did is not. */
function isFinding(failure: unknown): failure is SecureMailError {
  return isSecureMailError(failure) && failure.fault === "permanent";
}

// Spec S-6: a quarter of an hour ahead, thirty days behind.
function isStale(signingTime: Date, now: Date): boolean {
  const age = now.getTime() - signingTime.getTime();
  return age < -15 * 60_000 || age > 30 * 86_400_000;
}
