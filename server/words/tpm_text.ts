/** A node's TPM in one line. */
import type { TpmView } from "#contract/api/attestation.ts";
import { formatTime } from "./figures.ts";

/** "key 1f0c3a5b77e2ad04…, proved 2026-06-30 12:00 UTC; required" */
export function describeTpm({ ek, since, proved, required }: TpmView): string {
  const known = ek === undefined ? ["not seen yet"] : [
    `key ${ek.slice(0, 16)}…`,
    proved ? `proved ${formatTime(proved)}` : `since ${formatTime(since ?? "")}, not proved yet`,
  ];
  return known.join(", ") + (required ? "; required" : "");
}
