/** What an order would do to each of its nodes, before it is given: read, and then ordered as it was read. */
import { z } from "zod";
import { IdentityMode } from "../identity.ts";
import { count, MachineName, ProblemSchema, text, time } from "./fields.ts";
import { DeployRequest, RestoreRequest } from "./nodes.ts";

/** The order as it would be given. `nodes` may hold ranges and groups: "n[1-8]", "@compute". */
export const ReviewRequest = z.discriminatedUnion("kind", [
  DeployRequest.omit({ passphrase: true, reviewed: true }).extend({ kind: z.literal("deployment") }),
  RestoreRequest.omit({ passphrase: true, reviewed: true }).extend({ kind: z.literal("restore") }),
]);
export type ReviewRequest = z.infer<typeof ReviewRequest>;

/** A disk that would be written, with what was on it when the node last reported its disks. */
export const ReviewedDisk = z.object({
  /** The kernel's name at that time. */
  name: text(64),
  byPath: text(255).optional(),
  model: text(128).optional(),
  serial: text(128).optional(),
  sizeBytes: count,
  /** Why this one. */
  because: text(400),
  /** "gpt: ext4 'root', swap"; "" if nothing known was found on it. */
  content: text(1000),
  /** Sizes of its partitions, in their order on the disk. */
  partitions: z.array(count).max(256).optional(),
  labels: z.array(text(255)).max(256).optional(),
});
export type ReviewedDisk = z.infer<typeof ReviewedDisk>;

/** Addresses are as in the settings: "10.0.0.5/24", "vlan7 10.7.0.5/24", "dhcp". */
const NameAndAddresses = z.object({ hostname: text(253), addresses: z.array(text(100)).max(1200) });

export const ReviewedIdentity = z.object({
  mode: IdentityMode,
  /** Recorded at its last installation from this server. */
  before: NameAndAddresses.optional(),
  /** With "ask": what is proposed at the console. With "keep" and nothing recorded: if its disk has no identity. */
  after: NameAndAddresses,
});

/**
 * "all": everything on the disks below; "changes": what differs from the image; "unknown": its disks are not known, or
 * the plan for them is refused; "none": nothing known is on the disks, or nothing is written.
 */
export const DataLoss = z.enum(["all", "changes", "unknown", "none"]);
export type DataLoss = z.infer<typeof DataLoss>;

export const ReviewedNode = z.object({
  node: MachineName,
  /** The image that it has now. */
  image: z.string().optional(),
  outcome: z.enum(["planned", "refused", "unknown"]),
  loses: DataLoss,
  /** Empty if they are not known. */
  disks: z.array(ReviewedDisk).max(64),
  /** When it reported its disks. */
  disksFrom: time.optional(),
  identity: ReviewedIdentity,
  /** If refused. */
  problem: ProblemSchema.optional(),
});
export type ReviewedNode = z.infer<typeof ReviewedNode>;

/** In the order in which a person should read them. */
export const REVIEW_WARNINGS = [
  "image-damaged",
  "cannot-boot",
  "other-architecture",
  "plan-refused",
  "busy",
  "backup-ordered",
  "every-boot",
  "foreign-backup",
  "cannot-restart",
  "cannot-switch",
  "disk-failing",
  "clash",
  "identity-unreadable",
  "in-use",
  "older-image",
  "memory-small",
  "hardware-changed",
  "disks-unknown",
  "disks-old",
  "dhcp-range",
  "address-seen",
  "replaces-order",
  "left-alone",
  "plan-note",
] as const;

/** "refused": the order will not be accepted while it has these nodes. */
export const ReviewWarning = z.object({
  kind: z.enum(REVIEW_WARNINGS),
  level: z.enum(["refused", "danger", "warning", "note"]),
  /** Nodes of one case have the same text. */
  cases: z.array(z.object({
    what: text(2000),
    remedy: text(1000).optional(),
    nodes: z.array(MachineName).max(10_000),
  })).max(10_000),
});
export type ReviewWarning = z.infer<typeof ReviewWarning>;

export const Review = z.object({
  kind: z.enum(["deployment", "restore"]),
  /** NAME@VERSION */
  image: z.string(),
  created: time,
  /** For the order's `reviewed`: it is refused if what is reviewed here has changed by then. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Machines that lose data, or may: nodes whose `loses` is not "none". */
  losing: count,
  /** Most serious first. */
  warnings: z.array(ReviewWarning),
  /** In the order in which they were given. */
  nodes: z.array(ReviewedNode).max(10_000),
});
export type Review = z.infer<typeof Review>;
