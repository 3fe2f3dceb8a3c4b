/** Deployments as a whole: their nodes, how they go, who feeds whom, and orders for all of them. */
import { z } from "zod";
import { Limit, SeedPolicy, Slowness } from "./distribution.ts";
import { Passphrase } from "./encryption.ts";
import { count, id, ImageRef, MachineName, text, time } from "./fields.ts";
import { NodeState } from "./nodes.ts";
import { PageQuery } from "./pages.ts";
import { STEPS } from "./steps.ts";

/**
 * "installing" if one of its nodes installs; else "armed" if one is; else "failed" if one failed or was aborted; else
 * "done".
 */
export const DeploymentState = z.enum(["installing", "armed", "failed", "done"]);

const DeploymentKind = z.enum(["deployment", "restore", "backup"]);

/** Present while it is paused: who paused it, and when. */
const Paused = z.object({ by: text(200), since: time });

/** A batch in a list. */
export const DeploymentSummary = z.object({
  id,
  kind: DeploymentKind,
  image: z.string(),
  created: time,
  state: DeploymentState,
  /** How many of its nodes are in each state; states without nodes are left out. */
  nodes: z.partialRecord(NodeState, count),
  /** Who ordered it; absent for orders of earlier releases. */
  by: text(200).optional(),
  /** When its first node began, and when the last one was through. */
  started: time.optional(),
  ended: time.optional(),
  paused: Paused.optional(),
});
export type DeploymentSummary = z.infer<typeof DeploymentSummary>;

export const DeploymentQuery = PageQuery.extend({
  limit: PageQuery.shape.limit.default(100),
  state: DeploymentState.optional(),
  image: ImageRef.optional(),
});
export type DeploymentQuery = z.infer<typeof DeploymentQuery>;

/** Nodes of a deployment that failed for the same cause. */
export const FailureGroup = z.object({
  /** Where they failed; absent: nothing was reported. */
  step: z.enum(STEPS).optional(),
  /** The problem's title. What differs between the nodes, such as device names, is "…". */
  title: text(2000),
  /** Of the first of these nodes. */
  detail: text(20_000),
  remedy: text(4000),
  nodes: z.array(MachineName).max(10_000),
  /** False: they are installed, and only their first boot is overdue. */
  canRetry: z.boolean(),
});
export type FailureGroup = z.infer<typeof FailureGroup>;

/** A batch: the nodes of one order. */
export const DeploymentView = z.object({
  id,
  image: z.string(),
  seed: SeedPolicy,
  nodes: z.array(z.object({ node: MachineName, state: NodeState, limit: Limit.optional() })),
  slowest: Slowness.optional(),
  // absent only from servers of earlier releases
  kind: DeploymentKind.optional(),
  created: time.optional(),
  by: text(200).optional(),
  started: time.optional(),
  ended: time.optional(),
  paused: Paused.optional(),
  /** The largest group first. */
  failures: z.array(FailureGroup).optional(),
});
export type DeploymentView = z.infer<typeof DeploymentView>;

/** Points of a curve at most: a longer one is coarsened. */
export const MAX_POINTS = 300;
const column = z.array(count).max(MAX_POINTS);

/** The course of a deployment. Every column has one figure for each point in time, and counts from the beginning. */
export const DeploymentCurve = z.object({
  /** Since `started`. */
  seconds: column,
  /** Nodes that have begun, are done, and have failed. */
  begun: column,
  done: column,
  failed: column,
  /** Bytes that the nodes received: from the server's seeder, over HTTP, from each other, and from unnamed sources. */
  server: column,
  web: column,
  peers: column,
  other: column,
});
export type DeploymentCurve = z.infer<typeof DeploymentCurve>;

export const DeploymentProgress = z.object({
  id,
  /** When this was measured. */
  at: time,
  started: time.optional(),
  ended: time.optional(),
  /** Number of nodes, and those that have not begun. */
  nodes: count,
  waiting: count,
  /** Until the nodes that have begun are through, at the measured rates; absent: not known (yet), or none is under way. */
  secondsLeft: count.optional(),
  /** Bytes per second by source, over the last seconds. */
  rates: z.object({ server: count, web: count, peers: count, other: count }),
  curve: DeploymentCurve,
});
export type DeploymentProgress = z.infer<typeof DeploymentProgress>;

/** Lines of the picture at most: the strongest. */
export const MAX_LINES = 2000;

/** Who feeds whom right now. */
export const DeploymentSwarm = z.object({
  at: time,
  /** The server's own rack. */
  serverRack: text(64).optional(),
  nodes: z.array(z.object({
    node: MachineName,
    state: NodeState,
    rack: text(64).optional(),
    /** 0 to 100; absent: it has fetched nothing yet. */
    percent: z.int().min(0).max(100).optional(),
    /** Bytes per second by source. */
    server: count,
    web: count,
    peers: count,
    /** It has everything, and keeps seeding. */
    seeds: z.literal(true).optional(),
    silent: z.literal(true).optional(),
  })).max(10_000),
  /** From one node to another; a peer that is no node of the deployment has its address for a name. */
  lines: z.array(z.object({ from: text(64), to: MachineName, bytesPerSecond: count })).max(MAX_LINES),
});
export type DeploymentSwarm = z.infer<typeof DeploymentSwarm>;

/** A deployment in figures, to compare it with others. */
export const DeploymentFigures = z.object({
  id,
  kind: DeploymentKind,
  image: z.string(),
  created: time,
  by: text(200).optional(),
  nodes: count,
  done: count,
  failed: count,
  /** From the first node's beginning to the last one's end; absent while it lasts. */
  wallSeconds: z.number().min(0).optional(),
  /** How long its nodes took that are done, without waiting for people, other nodes and their first boot. */
  p50Seconds: z.number().min(0).optional(),
  p90Seconds: z.number().min(0).optional(),
  /** Median of each step, over all nodes that did it. */
  steps: z.array(z.object({ step: z.enum(STEPS), seconds: z.number().min(0) })),
  /** Bytes received by source. */
  bytes: z.object({ server: count, web: count, peers: count, other: count }),
});
export type DeploymentFigures = z.infer<typeof DeploymentFigures>;

export const ComparisonQuery = z.strictObject({
  /** Id of the other deployment; absent: the latest ones before it, of the same image and kind. */
  with: id.optional(),
});
/** The deployment itself, then the others, newest first. */
export const DeploymentComparison = z.array(DeploymentFigures).max(11);

/** Which nodes of the deployment; absent: all that it applies to. */
const SomeNodes = z.object({ nodes: z.array(z.string()).min(1).max(10_000).optional() });
export const CancelDeploymentRequest = SomeNodes;
export const CancelDeploymentAnswer = z.object({ nodes: z.array(MachineName) });

export const RetryRequest = SomeNodes.extend({
  /** Passphrases are not kept: if the first order had one, it is given again. */
  passphrase: Passphrase.optional(),
});
export type RetryRequest = z.infer<typeof RetryRequest>;
