/**
 * Signatures of Standard Webhooks 1.0 (standardwebhooks.com, "Signature scheme"): HMAC-SHA-256 over
 *
 *     ID "." TIMESTAMP "." BODY         TIMESTAMP: seconds since 1970
 *
 * under the bytes of the secret, which is written as "whsec_" and base64.
 */
import { createHmac, randomBytes } from "node:crypto";

const PREFIX = "whsec_";
/** The specification asks for 24 to 64. */
const SECRET_BYTES = 32;

export function makeSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/** The three headers by which a receiver verifies the body. */
export function signatureHeaders(
  body: string,
  { id, seconds, secret }: { id: string; seconds: number; secret: string },
): Record<string, string> {
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${mac}` };
}
