/**
 * A login through the OpenID provider that is under way. Its secrets are in a cookie of the browser that began it, so
 * that strangers who begin logins cost the server no memory, and nobody can end a login in another browser:
 *
 *     EXPIRY.STATE.NONCE.VERIFIER.MAC     EXPIRY: seconds since 1970; state, nonce and code verifier (RFC 7636): 43
 *                                         characters of base64url each; MAC: HMAC-SHA-256 under the admin secret
 */
import { randomBytes } from "node:crypto";
import type { AdminToken } from "./admin_token.ts";

/** Sent by the browser when it comes back from the provider's page, so `SameSite=Lax`; see page_sessions.ts. */
export const ATTEMPT_COOKIE = "__Host-rackseed-login";
/** As long as a person may take at the provider's page. */
export const ATTEMPT_SECONDS = 600;

type Signer = Pick<AdminToken, "sign" | "isSignature">;

export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export function newAttempt(): OidcAttempt {
  return { state: random(), nonce: random(), verifier: random() };
}

export function attemptCookie(
  { state, nonce, verifier }: OidcAttempt,
  signer: Signer,
  nowMs: number,
): string {
  const expires = Math.floor(nowMs / 1000) + ATTEMPT_SECONDS;
  const signed = [expires, state, nonce, verifier].join(".");
  return `${signed}.${signer.sign(`oidc ${signed}`)}`;
}

/** Undefined if the cookie is not one of this server's, or has expired. */
export function readAttempt(cookie: string, signer: Signer, nowMs: number): OidcAttempt | undefined {
  const [, signed, expires, state, nonce, verifier, mac] =
    /^((\d{1,12})\.([\w-]{43})\.([\w-]{43})\.([\w-]{43}))\.([\w-]{43})$/.exec(cookie) ?? [];
  if (state === undefined || nonce === undefined || verifier === undefined || mac === undefined) {
    return undefined;
  }
  if (!signer.isSignature(mac, `oidc ${signed}`) || Number(expires) * 1000 <= nowMs) return undefined;
  return { state, nonce, verifier };
}

function random(): string {
  return randomBytes(32).toString("base64url");
}
