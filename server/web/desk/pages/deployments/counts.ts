/** What a list of nodes by state comes to. Pure. */
import type { DeploymentSummary } from "#contract/api.ts";

export interface Counts {
  readonly all: number;
  readonly done: number;
  readonly failed: number;
  readonly installing: number;
  readonly waiting: number;
}

export function countsOf(nodes: DeploymentSummary["nodes"]): Counts {
  const { armed = 0, installing = 0, installed = 0, running = 0, failed = 0, aborted = 0, idle = 0 } = nodes;
  return {
    all: armed + installing + installed + running + failed + aborted + idle,
    done: installed + running,
    failed: failed + aborted,
    installing,
    waiting: armed,
  };
}

export function byState(nodes: readonly { readonly state: keyof DeploymentSummary["nodes"] }[]): Counts {
  const counts: Record<string, number> = {};
  for (const { state } of nodes) counts[state] = (counts[state] ?? 0) + 1;
  return countsOf(counts);
}
