import { randomBytes } from "node:crypto";

/** Sixteen letters that sit in the same place on most keyboards (Yubico's modhex). */
const LETTERS = "cbdefghijklnrtuv";
const KEY_BYTES = 32;

/**
 * A new recovery key: 256 random bits as people can type them, in the format of systemd-cryptenroll --recovery-key
 * (systemd, src/shared/recovery-key.c): modhex, a dash after every eighth letter. The key slot holds this very text, and
 * systemd's prompts accept it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatRecoveryKey(new Uint8Array(32).fill(0x1f)).slice(0, 18), "bvbvbvbv-bvbvbvbv-");
 * ```
 */
export function makeRecoveryKey(): string {
  return formatRecoveryKey(randomBytes(KEY_BYTES));
}

export function formatRecoveryKey(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => `${LETTERS[byte >> 4]}${LETTERS[byte & 15]}`).join("");
  return text.match(/.{8}/g)?.join("-") ?? "";
}
