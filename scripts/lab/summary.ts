import type { Check } from "./check.ts";
import { type Milestone, seconds } from "./timeline.ts";

/** The lab's final report: timings, checks, and the verdict. */
export function summary(
  { machine, checks, milestones }: {
    /** What was cloned. */
    readonly machine: string;
    readonly checks: readonly Check[];
    readonly milestones: readonly Milestone[];
  },
): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  return [
    `${machine}: timings (at, took)`,
    ...milestones.map(({ what, atMs, tookMs }) => `  ${seconds(atMs)} ${seconds(tookMs)}  ${what}`),
    "checks",
    ...checks.map(({ what, passed, seen }) => `  ${passed ? "ok    " : "FAILED"}  ${what}: ${seen}`),
    failed === 0 ? `all ${checks.length} checks passed` : `${failed} of ${checks.length} checks failed`,
    "",
  ].join("\n");
}
