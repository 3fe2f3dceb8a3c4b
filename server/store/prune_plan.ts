/** Decides which versions a keep policy removes. */
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
 * Keeps the newest version of every image, whatever the policy, and every version that `need` gives a reason for.
 * Removes the others unless one of the limits keeps them.
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
