/** What a quote covers, and what it is bound to. Agent and server compute both by themselves. */
import { createHash } from "node:crypto";

/**
 * The PCRs of a quote, in their order (TCG PC Client Platform Firmware Profile §3.3.4; systemd-stub(7)):
 *
 * 4: the programs that the firmware loaded; 11: the content of the signed kernel image; 12: parameters and credentials
 * that it was given beside its own; 13: system extensions that it was given
 */
export const QUOTED_PCRS = [4, 11, 12, 13] as const;
export type QuotedPcr = typeof QUOTED_PCRS[number];

/** Once the agent has extended it, no later quote of this boot proves anything. */
export const CLOSING_PCR = 11;
const CLOSING_TEXT = "rackseed: the agent has enrolled";

export function closingDigest(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(CLOSING_TEXT).digest());
}

/**
 * The qualifying data of the quote. It holds the token, which names the server's certificate authority: a false server
 * that passes the true server's nonce on to a true agent gets a quote for its own authority, which proves nothing here.
 */
export function qualifyingData(
  { nonce, token }: { readonly nonce: Uint8Array; readonly token: string },
): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256").update("rackseed quote\0").update(nonce).update(token);
  return new Uint8Array(hash.digest());
}
