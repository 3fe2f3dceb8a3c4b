/** How the command line and the page show a node's comparison with its image. Pure. */
import type { CheckView, DriftCounts, DriftItem, DriftView } from "#contract/api/checks.ts";
import { formatBytes, formatCount, formatTime } from "./figures.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(describeCounts({ changed: 2, missing: 0, foreign: 1 }), "2 changed, 1 foreign");
 * assert.equal(describeCounts({ changed: 0, missing: 0, foreign: 0 }), "as its image");
 * ```
 */
export function describeCounts({ changed, missing, foreign }: DriftCounts): string {
  const parts = Object.entries({ changed, missing, foreign })
    .flatMap(([what, count]) => count === 0 ? [] : [`${formatCount(count)} ${what}`]);
  return parts.join(", ") || "as its image";
}

/** "3 changed (web@3, 2026-01-31 12:00 UTC)" */
export function describeDrift(drift: DriftView): string {
  const { image, at, threshold, drifted } = drift;
  const within = !drifted && threshold > 0 ? `, of ${formatCount(threshold)} allowed` : "";
  return `${describeCounts(drift)}${within} (${image}, ${formatTime(at)})`;
}

/** What the latest check is doing, or why it failed; undefined once it is done. */
export function describeRunning({ state, progress, problem }: CheckView): string | undefined {
  switch (state) {
    case "done":
      return undefined;
    case "failed":
      return `failed: ${problem?.detail ?? "unknown"}`;
    case "waiting":
      return "waiting for its agent";
    case "running":
      return progress?.phase === "reading" ? `comparing, ${formatBytes(progress.bytes)} read` : "comparing";
  }
}

/** "changed  /etc/motd  (mode 0600, not 0644; base-files)" */
export function describeItem({ what, path, detail, package: owner }: DriftItem): string {
  const notes = [detail, owner && `package ${owner}`].filter(Boolean).join("; ");
  return `${what.padEnd(7)}  ${path}${notes === "" ? "" : `  (${notes})`}`;
}

/** How many differences the list does not show, as a line; undefined if it has all. */
export function describeUnlisted(
  counts: DriftCounts,
  differences: readonly DriftItem[],
): string | undefined {
  const more = counts.changed + counts.missing + counts.foreign - differences.length;
  return more > 0 ? `and ${formatCount(more)} more` : undefined;
}
