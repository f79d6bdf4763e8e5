// Failures of reading CMS. What went wrong with a key or inside decryption is one code: CMS_BAD_CONTENT.
import { SecureMailError } from "../errors.ts";

export const cmsErrorCodes = {
  CMS_MALFORMED: "the octets are not the CMS structure they claim to be",
  CMS_LIMIT: "more recipients, signers or content than is read",
  CMS_UNSUPPORTED: "a content type or form that is not implemented",
  CMS_NO_RECIPIENT: "no recipientInfo names a key held here",
  CMS_BAD_CONTENT: "decryption ended without the content it should have given",
} as const;

export type CmsErrorCode = keyof typeof cmsErrorCodes;

export class CmsError extends SecureMailError<CmsErrorCode> {
  constructor(code: CmsErrorCode, message: string, offset?: number) {
    super(code, "permanent", message, offset === undefined ? {} : { offset });
  }
}
