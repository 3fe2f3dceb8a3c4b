/**
 * A token is a secret that grants access, together with the pin of the server it is valid for: `rs1.PIN.SECRET`. PIN
 * is the SHA-256 of the server's CA certificate (DER) as base64url, so an agent with a token talks to that server or
 * to none.
 */
import { createHash } from "node:crypto";

/** Where a node's initramfs has the CA certificate of its server, in PEM. The pin decides whether it is the right one. */
export const CARRIED_CA = "/rs/ca.pem";

interface Token {
  readonly pin: string;
  readonly secret: string;
}

export function formatToken({ pin, secret }: Token): string {
  return `rs1.${pin}.${secret}`;
}

/** Undefined if the text is not a token. */
export function parseToken(text: string): Token | undefined {
  const match = /^rs1\.([\w-]{43})\.([\w-]{16,64})$/.exec(text.trim());
  return match ? { pin: match[1] as string, secret: match[2] as string } : undefined;
}

/** The pin of a CA certificate in PEM (RFC 7468): the hash of the bytes of its first certificate. */
export function pinOf(pem: string): string {
  const [, base64 = ""] = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(pem) ?? [];
  return createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64url");
}
