/** Keys that look like those of a TPM, for tests that never need what only a TPM has. */
import { createECDH } from "node:crypto";
import type { TpmKeys } from "#contract/api/attestation.ts";
import { concat, sized } from "#contract/tpm/bytes.ts";
import { templateOf, type TpmKey } from "#contract/tpm/public_key.ts";

export function madeTpmKeys(): TpmKeys {
  return { ek: publicArea("ek"), ak: publicArea("ak") };
}

/** The template, with a point of the curve instead of its empty one. */
function publicArea(key: TpmKey): string {
  const point = createECDH("prime256v1").generateKeys();
  const head = templateOf(key).subarray(0, key === "ek" ? -68 : -4);
  const area = concat(head, sized(point.subarray(1, 33)), sized(point.subarray(33)));
  return Buffer.from(area).toString("base64");
}
