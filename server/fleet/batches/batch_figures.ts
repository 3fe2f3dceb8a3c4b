/** A deployment in figures: how long its nodes and its steps took. Pure. */
import type { DeploymentFigures } from "#contract/api.ts";
import { type Step, STEPS } from "#contract/api/steps.ts";
import { COUNTED } from "./slowest_node.ts";

interface StepDuration {
  readonly node: string;
  /** Of the node's part of the deployment. */
  readonly state: string;
  readonly step: Step;
  readonly ms: number;
}

type Times = Pick<DeploymentFigures, "p50Seconds" | "p90Seconds" | "steps">;

export function timesOf(durations: readonly StepDuration[]): Times {
  const nodes = new Map<string, number>(), steps = new Map<Step, number[]>();
  for (const { node, state, step, ms } of durations) {
    const of = steps.get(step);
    if (of) of.push(ms);
    else steps.set(step, [ms]);
    const isDone = state === "installed" || state === "running";
    if (isDone && COUNTED.includes(step)) nodes.set(node, (nodes.get(node) ?? 0) + ms);
  }
  const sorted = [...nodes.values()].sort((a, b) => a - b);
  const p50 = quantile(sorted, 0.5), p90 = quantile(sorted, 0.9);
  return {
    ...(p50 !== undefined && { p50Seconds: p50 / 1000 }),
    ...(p90 !== undefined && { p90Seconds: p90 / 1000 }),
    steps: STEPS.flatMap((step) => {
      const ms = quantile((steps.get(step) ?? []).sort((a, b) => a - b), 0.5);
      return ms === undefined ? [] : [{ step, seconds: ms / 1000 }];
    }),
  };
}

/** The nearest rank: a value that was measured. */
function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
