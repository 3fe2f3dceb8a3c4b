/** One kind of work that a schedule can order: what the scheduler needs to know of it. */
import type { ReviewRequest } from "#contract/api/reviews.ts";
import type { ScheduledOrder } from "#contract/api/schedules.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { PartState } from "../run_plan.ts";

/** A node's part of an order, as it is now. */
export interface WorkProgress {
  readonly state: Exclude<PartState, "waiting">;
  /** Why it failed. */
  readonly problem?: string;
}

/** What became of a node when the work was ordered: `handle` finds it again, `problem` says why it was refused. */
export type Ordered =
  | { readonly node: string; readonly handle: string }
  | { readonly node: string; readonly problem: string };

export interface Part {
  /** Node id. */
  readonly node: string;
  readonly handle: string;
}

/** Stores that these nodes (by id) were ordered under this handle, within the transaction that orders it. */
export type RecordOrder = (nodes: readonly string[], handle: string) => void;

/** A further kind of work is one more of these in works.ts, and one more order in #contract/api/schedules.ts. */
export interface Work<O extends ScheduledOrder = ScheduledOrder> {
  /** As the audit log has it, see words/audit_text.ts. */
  readonly action: string;
  /** How many nodes may begin now, whatever the schedule says; absent: all. */
  room?(order: O): number;
  /** Throws RackseedError if the order could not be given to these nodes, whatever they are doing now. */
  check(nodes: readonly NodeRecord[], order: O): void;
  /** The orders of a run now, to be reviewed; none if it writes to no node. */
  reviews(nodes: readonly NodeRecord[], order: O): ReviewRequest[];
  /** The order with what must stay the same for all batches of a run, such as the image's version. */
  pin(order: O): O;
  /**
   * Orders it for each of the nodes that can do it; with `record` if it can, so that a crash in between loses nothing.
   * `by`: who is shown to have ordered it.
   */
  begin(nodes: readonly NodeRecord[], order: O, how: { record: RecordOrder; by: string }): Ordered[];
  /** In the order of the parts. */
  progress(parts: readonly Part[]): WorkProgress[];
  /** Takes back an order that has not begun. */
  takeBack(part: Part): void;
}
