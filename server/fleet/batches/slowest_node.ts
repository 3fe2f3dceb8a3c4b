/** Which node of a batch takes the longest, and why. Pure. */
import type { InstallTimes, Limit, Slowness } from "#contract/api/distribution.ts";
import { type Step, STEPS } from "#contract/api/steps.ts";
import { bottleneckOf } from "./bottleneck.ts";
import { median } from "./seed_policy.ts";

/** How long one node's steps took; a running step counts with its expected duration, if that is known. */
export interface NodeTiming {
  readonly node: string;
  readonly stepsMs: Readonly<Partial<Record<Step, number>>>;
  readonly times?: InstallTimes | undefined;
}

/** Steps that say nothing of a node's speed: they wait for people, other nodes, the server, or the clone's boot. */
const NOT_COUNTED: ReadonlySet<Step> = new Set(["restart", "ask", "seed", "finish", "first-boot"]);
const ON_DISK: ReadonlySet<Step> = new Set(["partition", "format", "verify"]);
/** Those that say something of it. */
export const COUNTED = STEPS.filter((step) => !NOT_COUNTED.has(step));

/** How much longer than the others a slow node takes, at least: equal machines differ by less. */
const SLOWER_BY = 0.1, SLOWER_BY_MS = 2000;

/** Undefined if no node has begun, or none is slower than the others. */
export function slowestOf(batch: readonly NodeTiming[]): Slowness | undefined {
  const totals = batch.map(({ stepsMs }) => COUNTED.reduce((sum, step) => sum + (stepsMs[step] ?? 0), 0));
  const most = totals.reduce((best, ms, i) => ms > (totals[best] ?? 0) ? i : best, 0);
  const slowest = batch[most], totalMs = totals[most] ?? 0;
  if (slowest === undefined || totalMs === 0) return undefined;
  const others = batch.filter((node) => node !== slowest);
  const othersMs = median(totals.filter((_, i) => i !== most)) ?? 0;
  if (others.length > 0 && totalMs < othersMs + Math.max(othersMs * SLOWER_BY, SLOWER_BY_MS)) {
    return undefined;
  }
  const { step, ms, usualMs } = largestExcess(slowest, others);
  const { limit, reason } = explain(slowest, step);
  const usual = usualMs === undefined ? "" : ` (usual here: ${seconds(usualMs)})`;
  return {
    node: slowest.node,
    ...(limit && { limit }),
    seconds: totalMs / 1000,
    typicalSeconds: (median(totals) ?? 0) / 1000,
    reason: `step ${step} took ${seconds(ms)}${usual}${reason ? `: ${reason}` : ""}`.slice(0, 400),
  };
}

/** The step by which it differs most from the others; if there are none, its longest. */
function largestExcess(
  { stepsMs }: NodeTiming,
  others: readonly NodeTiming[],
): { step: Step; ms: number; usualMs: number | undefined } {
  return COUNTED.map((step) => {
    const usualMs = median(others.flatMap((other) => other.stepsMs[step] ?? []));
    return { step, ms: stepsMs[step] ?? 0, usualMs };
  }).reduce((a, b) => b.ms - (b.usualMs ?? 0) > a.ms - (a.usualMs ?? 0) ? b : a);
}

function explain(
  { times }: NodeTiming,
  step: Step,
): { limit?: Limit | undefined; reason?: string | undefined } {
  if (step === "install" && times) return bottleneckOf(times) ?? {};
  if (step === "torrent") return { limit: "link" };
  return ON_DISK.has(step) ? { limit: "disk" } : {};
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
