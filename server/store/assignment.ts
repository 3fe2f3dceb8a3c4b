/** One node's part of a deployment. */
import type { z } from "zod";
import type { NodeState } from "#contract/api.ts";

export type AssignmentState = Exclude<z.infer<typeof NodeState>, "idle"> | "cancelled";

/** One node's part of a deployment. */
export interface Assignment {
  readonly deployment: string;
  /** Node id. */
  readonly node: string;
  readonly image: string;
  readonly version: number;
  readonly state: AssignmentState;
}
