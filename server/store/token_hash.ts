import { createHash } from "node:crypto";

/** The form in which tokens are stored: SHA-256, since they are random and long. */
export function tokenHash(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
