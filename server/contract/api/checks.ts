/** Checks: a running node's agent compares the node with the image that it was installed from. Nothing is changed. */
import { z } from "zod";
import { AbsolutePath } from "../identity.ts";
import { Sha256Hex } from "../format/sha256.ts";
import { ImageName } from "../format/manifest.ts";
import { OwnPaths } from "../own_files/own_path.ts";
import { count, id, MachineName, ProblemSchema, text, time } from "./fields.ts";

/** Differences that one result lists; its counts are of all of them. */
export const MAX_DIFFERENCES = 1000;
/** Longest path that is listed; a longer one is cut. */
export const MAX_SHOWN_PATH = 1000;

const KeepPaths = z.array(AbsolutePath).max(200);
export const Threshold = z.int().min(0).max(10_000_000);

export const CheckRequest = z.object({
  nodes: z.array(z.string()).min(1).max(10_000),
  /** Paths that are not compared, with everything below them; in addition to the image's. */
  keep: z.array(AbsolutePath).max(100).default([]),
  /** "content": every file is read; as in a restore. */
  check: z.enum(["content"]).optional(),
  /** More differences than this are drift. Absent: the image's. */
  threshold: Threshold.optional(),
});
export type CheckRequest = z.input<typeof CheckRequest>;

/** An agent of an earlier release asks without, and would end at the order of a check. */
export const OrderQuery = z.strictObject({ checks: z.stringbool().optional() });

export const CheckAnswer = z.object({
  ordered: z.array(z.object({ node: MachineName, check: id })),
  /** Nodes that cannot be checked now. */
  refused: z.array(z.object({ node: text(64), problem: ProblemSchema })),
});
export type CheckAnswer = z.infer<typeof CheckAnswer>;

/** What the agent is told. */
export const CheckOrder = z.object({
  check: id,
  image: ImageName,
  version: z.int().min(1),
  /** Id of the version's manifest. GET /checks/:id/manifest has its text. */
  manifest: Sha256Hex,
  keep: KeepPaths,
  /** Paths that the image's settings add to own_files/table.ts. */
  own: OwnPaths.optional(),
  /** Mount points of the template's data disks that the node has no disk for. */
  left: z.array(AbsolutePath).max(1000),
  /** Whether every file is read. */
  readsAll: z.boolean(),
});
export type CheckOrder = z.infer<typeof CheckOrder>;

export const CheckProgress = z.object({
  phase: z.enum(["listing", "reading", "naming"]),
  bytes: count,
});
export type CheckProgress = z.infer<typeof CheckProgress>;

/** "changed": content, attributes or kind. "foreign": the image has no such path. */
export const DriftKind = z.enum(["changed", "missing", "foreign"]);
export type DriftKind = z.infer<typeof DriftKind>;

export const DriftItem = z.object({
  /** Absolute, for people: bytes that are not text are escaped. */
  path: text(MAX_SHOWN_PATH + 10),
  what: DriftKind,
  detail: text(500).optional(),
  /** The package that owns the path. */
  package: text(200).optional(),
});
export type DriftItem = z.infer<typeof DriftItem>;

export const DriftCounts = z.object({ changed: count, missing: count, foreign: count });
export type DriftCounts = z.infer<typeof DriftCounts>;

export const CheckResult = DriftCounts.extend({
  /** Entries of the image. */
  entries: count,
  differences: z.array(DriftItem).max(MAX_DIFFERENCES),
  /** What could not be compared. */
  notes: z.array(text(500)).max(50),
  readBytes: count,
  elapsedMs: count,
  /** Processor time that it took. */
  cpuMs: count,
});
export type CheckResult = z.infer<typeof CheckResult>;

/** The newest result, without its list. */
export const DriftView = DriftCounts.extend({
  at: time,
  /** "web@3" */
  image: text(100),
  threshold: Threshold,
  /** Whether it has more differences than that. */
  drifted: z.boolean(),
});
export type DriftView = z.infer<typeof DriftView>;

/** A node's latest check. */
export const CheckView = z.object({
  id,
  /** "waiting": the agent has not taken it yet. */
  state: z.enum(["waiting", "running", "done", "failed"]),
  ordered: time,
  ended: time.optional(),
  progress: CheckProgress.optional(),
  problem: ProblemSchema.optional(),
  /** Of this check, or of an earlier one while this one is under way or has failed. */
  result: DriftView.optional(),
});
export type CheckView = z.infer<typeof CheckView>;

/** GET /nodes/:node/check */
export const CheckReport = CheckView.extend({
  node: MachineName,
  result: DriftView.extend(CheckResult.shape).optional(),
});
export type CheckReport = z.infer<typeof CheckReport>;
