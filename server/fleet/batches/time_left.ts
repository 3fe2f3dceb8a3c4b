/** How long the nodes that have begun still take, at the measured rates. Pure. */
import { type Step, STEPS } from "#contract/api/steps.ts";
import { median } from "./seed_policy.ts";
import { COUNTED } from "./slowest_node.ts";

/** A node that is under way and reports. */
export interface UnderWay {
  readonly step: Step;
  /** Since the step began. */
  readonly inStepMs: number;
  /** Of the step "install"; absent while nothing is measured. */
  readonly fetch?: { readonly leftBytes: number; readonly bytesPerSecond: number } | undefined;
}

type StepTimes = Readonly<Partial<Record<Step, number>>>;

/**
 * Until the last of them is through, in seconds. Undefined: too little is measured for an honest answer. `finished`:
 * for each node of the deployment, how long the steps took that it has finished. Steps that no node has got to yet
 * count as nothing.
 */
export function secondsLeft(
  { underWay, finished }: { underWay: readonly UnderWay[]; finished: readonly StepTimes[] },
): number | undefined {
  const typical = new Map(COUNTED.flatMap((step): [Step, number][] => {
    const ms = median(finished.flatMap((times) => times[step] ?? []));
    return ms === undefined ? [] : [[step, ms]];
  }));
  const left = underWay.flatMap((node) => leftMs(node, typical) ?? []);
  // one node that says nothing does not spoil the answer, but most of them must be measured
  if (left.length === 0 || left.length * 2 < underWay.length) return undefined;
  return Math.round(Math.max(...left) / 1000);
}

function leftMs({ step, inStepMs, fetch }: UnderWay, typical: ReadonlyMap<Step, number>): number | undefined {
  const at = STEPS.indexOf(step), later = COUNTED.filter((other) => STEPS.indexOf(other) > at);
  if (later.includes("install") && !typical.has("install")) return undefined;
  const rest = later.reduce((sum, other) => sum + (typical.get(other) ?? 0), 0);
  if (step === "install" && fetch) {
    if (fetch.leftBytes > 0) return rest + fetch.leftBytes / fetch.bytesPerSecond * 1000;
    return rest + Math.max(0, (typical.get(step) ?? inStepMs) - inStepMs);
  }
  const ms = typical.get(step);
  if (ms === undefined) return step === "install" ? undefined : rest;
  return rest + Math.max(0, ms - inStepMs);
}
