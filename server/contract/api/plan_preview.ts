/** The plan for a node before it is armed, made on the server from what the node last reported about its disks. */
import { z } from "zod";
import { Unlock } from "./encryption.ts";
import { count, ImageRef, MachineName, ProblemSchema, text, time } from "./fields.ts";

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

/** A part of a disk: a partition, or with the number 0 the whole disk. */
export const PartPicture = z.object({
  number: count,
  startBytes: count,
  sizeBytes: count,
  name: text(255).optional(),
  /** What will be made on it, outermost first; `depth` says what lies on what. `what`: "ext4", "raid1", "luks", "lvm". */
  holds: z.array(z.object({
    depth: count,
    what: text(64),
    name: text(255).optional(),
    sizeBytes: count,
    mountPoints: z.array(text(4096)).max(64),
  })).max(256),
});
export type PartPicture = z.infer<typeof PartPicture>;

/** A disk of the machine as it was last seen, and as the plan makes it. */
export const DiskPicture = z.object({
  /** The kernel's name when it was seen ("sda"). */
  name: text(64),
  sizeBytes: count,
  model: text(255).optional(),
  serial: text(255).optional(),
  byPath: text(255).optional(),
  /** What is on it now, as text. */
  content: text(1000),
  before: z.array(PartPicture).max(256),
  /** Absent: it is not written. */
  after: z.array(PartPicture).max(256).optional(),
});
export type DiskPicture = z.infer<typeof DiskPicture>;

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
  /** If planned and the disks are known: all of the machine's disks. */
  disks: z.array(DiskPicture).max(256).optional(),
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
