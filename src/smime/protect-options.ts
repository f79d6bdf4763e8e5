// What protecting a message needs to know: who signs, who can open it, and how it is written.
import type { EnvelopeRecipient, Signer } from "../cms.ts";
import type { ContentCipher } from "../crypto.ts";
import type { Certificate } from "../x509.ts";

export type ProtectOptions = {
  /** Nobody signs where there are none. */
  readonly signers: readonly Signer[];
  /** Certificates to send along beside the signers' own. */
  readonly chain: readonly Certificate[];
  /** Nothing is encrypted where there are none. */
  readonly recipients: readonly EnvelopeRecipient[];
  readonly cipher: ContentCipher;
  readonly form: "opaque" | "detached";
  /** Transfer encoding of an opaque signature inside encryption. */
  readonly innerEncoding: "base64" | "binary";
  /** BER of indefinite length even where all lengths are known. */
  readonly ber: boolean;
  /** Octets of body up to which a message is signed in memory and written as DER. */
  readonly wholeUpTo?: number;
};
