/** Which versions a keep policy lets go. */
import type { KeepPolicy } from "#contract/api.ts";

interface Candidate {
  readonly image: string;
  readonly version: number;
  /** ISO 8601. */
  readonly created: string;
}

interface PrunePlan<T extends Candidate> {
  readonly removed: readonly T[];
  readonly kept: readonly { readonly version: T; readonly reason: string }[];
}

/**
 * Of every image the newest version stays, whatever the policy, and so does what `need` gives a reason for; of the
 * others, those that neither limit keeps go.
 */
export function planPrune<T extends Candidate>(
  versions: readonly T[],
  { keepLast = 1, keepNewerThanSeconds = 0 }: KeepPolicy,
  { nowMs, need }: { nowMs: number; need: (version: T) => string | undefined },
): PrunePlan<T> {
  const removed: T[] = [], kept: { version: T; reason: string }[] = [];
  const oldestMs = nowMs - keepNewerThanSeconds * 1000;
  for (const image of new Set(versions.map((v) => v.image))) {
    const newestFirst = versions.filter((v) => v.image === image).sort((a, b) => b.version - a.version);
    for (const [rank, version] of newestFirst.entries()) {
      const reason = rank === 0
        ? "the newest"
        : rank < keepLast
        ? `among the last ${keepLast}`
        : Date.parse(version.created) > oldestMs
        ? "new enough"
        : need(version);
      if (reason === undefined) removed.push(version);
      else kept.push({ version, reason });
    }
  }
  return { removed, kept };
}
