// A header that two programs read in two ways is neither opened nor sent (security A36).
import { SecureMailError } from "../errors.ts";
import { ambiguities, type HeaderBlock } from "../mime.ts";

export function requireUnambiguous(header: HeaderBlock): void {
  const found = ambiguities(header);
  if (found.length > 0)
    throw new SecureMailError(
      "MIME_AMBIGUOUS",
      "permanent",
      `a header that can be read in two ways: ${found.join("; ")}`,
    );
}
