/**
 * How a relay proves itself at its upstream, at each request: HTTP Message Signatures (RFC 9421) with the relay's own
 * Ed25519 key, over method, path, query and the body's digest (RFC 9530). One form of it is made, and only that form is
 * accepted:
 *
 *     Content-Digest:  sha-256=:BASE64:
 *     Signature-Input: relay=("@method" "@path" "@query" "content-digest");created=SECONDS;nonce="…";keyid="…";alg="ed25519"
 *     Signature:       relay=:BASE64:
 *
 * `keyid` is the SHA-256 of the key (SPKI DER, base64url). The channel is TLS to a server whose authority is pinned.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";

/** What of a request is signed. */
export interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: Uint8Array;
}

/** A signature as its request carries it; not yet verified. */
interface Signature {
  readonly keyId: string;
  readonly createdMs: number;
  readonly nonce: string;
  /** Whether this key made it, for this request. `publicKey`: SPKI PEM. */
  isBy(publicKey: string, request: SignedRequest): boolean;
}

const PARAMETERS =
  /^relay=(\("@method" "@path" "@query" "content-digest"\);created=(\d{10});nonce="([\w-]{22})";keyid="([\w-]{43})";alg="ed25519")$/;
const SIGNATURE = /^relay=:([A-Za-z0-9+/]{86}==):$/;

/** `publicKey`: SPKI PEM. Throws if it is not an Ed25519 key. */
export function keyIdOf(publicKey: string): string {
  const key = createPublicKey(publicKey);
  if (key.asymmetricKeyType !== "ed25519") throw new RangeError("it is not an Ed25519 key");
  return createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("base64url");
}

/**
 * The headers that sign a request. `privateKey`: PKCS #8 PEM.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { generateKeyPairSync } from "node:crypto";
 * import { readSignature, signatureHeaders } from "#contract/relay_signature.ts";
 *
 * const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
 *   privateKeyEncoding: { type: "pkcs8", format: "pem" },
 *   publicKeyEncoding: { type: "spki", format: "pem" },
 * });
 * const request = { method: "GET", url: new URL("https://h/a?b"), body: new Uint8Array() };
 * const headers = new Headers(signatureHeaders(request, { privateKey, nowMs: 1_800_000_000_000 }));
 * const signature = readSignature(headers);
 * assert.ok(signature?.isBy(publicKey, request));
 * assert.ok(!signature?.isBy(publicKey, { ...request, method: "POST" }));
 * ```
 */
export function signatureHeaders(
  request: SignedRequest,
  { privateKey, nowMs }: { privateKey: string; nowMs: number },
): Record<string, string> {
  const key = createPrivateKey(privateKey);
  const keyId = keyIdOf(createPublicKey(key).export({ type: "spki", format: "pem" }).toString());
  const nonce = randomBytes(16).toString("base64url");
  const parameters = `("@method" "@path" "@query" "content-digest");created=${Math.floor(nowMs / 1000)};` +
    `nonce="${nonce}";keyid="${keyId}";alg="ed25519"`;
  return {
    "content-digest": digestOf(request.body),
    "signature-input": `relay=${parameters}`,
    "signature": `relay=:${sign(null, baseOf(request, parameters), key).toString("base64")}:`,
  };
}

/** Undefined if the request has none of the accepted form. */
export function readSignature(headers: Headers): Signature | undefined {
  const [, parameters, created, nonce, keyId] =
    PARAMETERS.exec(headers.get("signature-input")?.slice(0, 300) ?? "") ?? [];
  const [, bytes] = SIGNATURE.exec(headers.get("signature")?.slice(0, 200) ?? "") ?? [];
  if (parameters === undefined || nonce === undefined || keyId === undefined || bytes === undefined) {
    return undefined;
  }
  return {
    keyId,
    createdMs: Number(created) * 1000,
    nonce,
    isBy: (publicKey, request) =>
      headers.get("content-digest") === digestOf(request.body) &&
      verify(null, baseOf(request, parameters), createPublicKey(publicKey), Buffer.from(bytes, "base64")),
  };
}

/** RFC 9421 §2.5 */
function baseOf({ method, url, body }: SignedRequest, parameters: string): Uint8Array {
  return Buffer.from(
    [
      `"@method": ${method}`,
      `"@path": ${url.pathname}`,
      `"@query": ${url.search || "?"}`,
      `"content-digest": ${digestOf(body)}`,
      `"@signature-params": ${parameters}`,
    ].join("\n"),
  );
}

function digestOf(body: Uint8Array): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}
