/** The plan for a node before it is armed, made on the server from what the node last reported about its disks. */
import { z } from "zod";
import { Unlock } from "./encryption.ts";
import { ImageRef, MachineName, ProblemSchema, text, time } from "./fields.ts";

/** The query of GET /nodes/:node/plan. */
export const PlanQuery = z.object({
  /** Absent: the image that the node has. */
  image: ImageRef.optional(),
  /** As in DeployRequest. */
  unlock: Unlock.optional(),
  /** What a restore would do, not a deployment. */
  restore: z.literal("true").optional(),
});
export type PlanQuery = z.infer<typeof PlanQuery>;

/**
 * "planned": the node will make this plan if its disks are still the same; "refused": it will refuse, and so is its
 * deployment; "unknown": its disks are not known, so that only the node itself can plan.
 */
export const PlanPreview = z.object({
  node: MachineName,
  /** NAME@VERSION */
  image: z.string(),
  outcome: z.enum(["planned", "refused", "unknown"]),
  /** When the node reported the disks that this was made from. */
  disksFrom: time.optional(),
  /** If planned: what will be done, one line each. */
  lines: z.array(text(1000)).max(2000),
  /** If refused. */
  problem: ProblemSchema.optional(),
  /** What changed in the node's hardware, and which of its disks are failing. */
  warnings: z.array(text(400)).optional(),
  /** Failing disks that this would write to: the order is refused, unless it is forced. */
  failing: z.array(text(400)).optional(),
  /** How far this can be relied on, as text. */
  remark: text(1000),
});
export type PlanPreview = z.infer<typeof PlanPreview>;
