/**
 * What a run does next. Pure: the same parts, limits and hour lead to the same decision.
 *
 *     waiting ──▶ ordered ──▶ begun ──▶ done | failed | cancelled
 *        ▲           │
 *        └───────────┘  taken back: the window ended, or the schedule was paused
 */

/** A node's part of a run. "ordered": it may still be taken back; "begun": it is finished whatever the hour. */
export type PartState = "waiting" | "ordered" | "begun" | "done" | "failed" | "cancelled";

interface PlannedPart {
  /** Node id. */
  readonly node: string;
  readonly state: PartState;
}

interface RunLimits {
  /** Nodes at a time; undefined: all. */
  readonly batch: number | undefined;
  /** Failed nodes that end the run; undefined: any number may fail. */
  readonly stopAfter: number | undefined;
}

export interface RunStep {
  /** Ids of nodes that are to begin now, in order. */
  readonly begin: readonly string[];
  /** Ids of nodes whose order is taken back. They wait again, unless the run ends. */
  readonly takeBack: readonly string[];
  /** Present if nothing of the run is left, once `takeBack` is done. */
  readonly end?: "done" | "failed" | "stopped";
}

/**
 * `mayBegin`: a window is open and the schedule is not paused.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const parts = [{ node: "a", state: "done" }, { node: "b", state: "waiting" }, { node: "c", state: "waiting" }] as const;
 * const limits = { batch: 1, stopAfter: undefined };
 * assert.deepEqual(nextStep(parts, { limits, mayBegin: true }), { begin: ["b"], takeBack: [] });
 * ```
 */
export function nextStep(
  parts: readonly PlannedPart[],
  { limits: { batch, stopAfter }, mayBegin }: { limits: RunLimits; mayBegin: boolean },
): RunStep {
  const inState = (state: PartState) => parts.filter((part) => part.state === state).map(({ node }) => node);
  const waiting = inState("waiting"), ordered = inState("ordered"), begun = inState("begun");
  const failed = inState("failed").length;
  if (stopAfter !== undefined && failed >= stopAfter) {
    const rest = waiting.length + ordered.length > 0;
    return { begin: [], takeBack: ordered, ...begun.length === 0 && { end: rest ? "stopped" : "failed" } };
  }
  if (!mayBegin) return { begin: [], takeBack: ordered, ...ended({ waiting, ordered, begun, failed }) };
  // the next batch begins when the one before has finished
  const begin = ordered.length + begun.length > 0 ? [] : waiting.slice(0, batch);
  return { begin, takeBack: [], ...ended({ waiting, ordered, begun, failed }) };
}

function ended(
  { waiting, ordered, begun, failed }: {
    waiting: readonly string[];
    ordered: readonly string[];
    begun: readonly string[];
    failed: number;
  },
): Pick<RunStep, "end"> {
  if (waiting.length + ordered.length + begun.length > 0) return {};
  return { end: failed > 0 ? "failed" : "done" };
}
