/** Nodes: what an operator sets, orders and sees. */
import { z } from "zod";
import { TpmView } from "./attestation.ts";
import { Limit, RackLabel, SeedPolicy, Slowness } from "./distribution.ts";
import { AskSeconds, IdentityMode } from "../identity.ts";
import { RestoreTerms } from "./restore.ts";
import { Passphrase, Unlock } from "./encryption.ts";
import { HardwareWarning } from "./hardware.ts";
import { id, ImageRef, MachineName, ProblemSchema, text, time } from "./fields.ts";
import { BackupRequest } from "./captures.ts";
import { CheckView } from "./checks.ts";
import { Inventory, StepReport } from "./node_agent.ts";
import { PageQuery } from "./pages.ts";
import { PowerTerms, PowerView } from "./power.ts";
import { Finish } from "./finish.ts";
import { NodeSettings } from "./node_settings.ts";

export * from "./node_settings.ts";

/** `node`: its name, MAC or id. */
export const NodeChange = z.object({ node: text(64), settings: NodeSettings });
export type NodeChange = z.infer<typeof NodeChange>;
export const NodeChanges = z.array(NodeChange).min(1).max(10_000);

/** `force`: also if the server's copy of the node's recovery key is lost with it. */
export const DeleteNodeQuery = z.object({ force: z.enum(["true", "false"]).optional() });

/**
 * "installed": the installer has finished; "running": the clone itself has reported; "aborted": the operator cancelled
 * the installation after it had begun, so the disk is incomplete.
 */
export const NodeState = z.enum([
  "idle",
  "armed",
  "installing",
  "installed",
  "running",
  "failed",
  "aborted",
]);
export type NodeState = z.infer<typeof NodeState>;

/** A clone's first boot, if it can report it. */
export const FirstBootView = z.object({
  /** Deadline of the report. */
  due: time,
  /** When it reported, and under which host name. */
  reported: time.optional(),
  hostname: text(255).optional(),
  /** It is overdue, has another name, or a first-boot hook failed. */
  problem: ProblemSchema.optional(),
});
export type FirstBootView = z.infer<typeof FirstBootView>;

export const NodeView = z.object({
  id,
  name: MachineName,
  settings: NodeSettings,
  state: NodeState,
  /** It is a machine that only appeared: see machines.ts. */
  isMachine: z.literal(true).optional(),
  /** Image and version of the current deployment, or else of the last finished one ("web@3"). */
  image: z.string().optional(),
  address: text(64).optional(),
  seen: time.optional(),
  /** It is being installed and has been silent since: it may have lost power or network. */
  silentSince: time.optional(),
  armed: z.boolean(),
  /** It is armed, and its deployment is paused: it starts from its own disk. */
  paused: z.literal(true).optional(),
  report: StepReport.optional(),
  firstBoot: FirstBootView.optional(),
  inventory: Inventory.optional(),
  /** When it reported that. */
  inventoryAt: time.optional(),
  /** What changed in its hardware since an operator accepted it, and disks that are failing; absent if nothing. */
  warnings: z.array(HardwareWarning).max(64).optional(),
  /** What limits, or limited, the speed of its installation. */
  limit: Limit.optional(),
  /** Present if it is the slowest of its deployment. */
  slowest: Slowness.optional(),
  /** Finished nodes: the nodes that it still seeds for. */
  seeding: z.object({ reason: text(400), for: z.array(MachineName).max(20) }).optional(),
  /** Present if its disk has encrypted volumes that were made from here. */
  encryption: z.object({
    unlock: Unlock,
    made: time,
    /** When the recovery key was first shown to somebody. */
    keyShown: time.optional(),
  }).optional(),
  /** Present if it has shown a TPM, or must. */
  tpm: TpmView.optional(),
  /** How it is switched on and off; absent if the server does not know. */
  power: PowerView.optional(),
  /** Present if its latest order is, or was, a backup at its boot. */
  backup: BackupRequest.optional(),
  /** Present if it is restored at each boot from the network. */
  everyBoot: z.object({
    /** Who ordered it, and when. */
    by: text(200),
    since: time,
    /** Absent: the image that it has. */
    image: ImageRef.optional(),
    version: z.int().min(1).optional(),
  }).optional(),
  /** Present if its latest order is, or was, to read its hardware. */
  discover: z.literal(true).optional(),
  /** Its latest comparison with its image, while it ran; absent if there was none. */
  check: CheckView.optional(),
  /** Present if its latest deployment is, or was, a restore; `changes`: what it changed or would change, at its end. */
  restore: RestoreTerms.extend({ changes: z.array(text(1000)).max(1000).optional() }).optional(),
});
export type NodeView = z.infer<typeof NodeView>;

/** `image`: NAME, or NAME@VERSION. */
export const NodeQuery = PageQuery.extend({
  state: NodeState.optional(),
  group: RackLabel.optional(),
  image: ImageRef.optional(),
});

const ReviewDigest = z.string().regex(/^[0-9a-f]{64}$/, {
  error: "a review's digest has 64 hexadecimal digits",
});

export const DeployRequest = z.object({
  nodes: z.array(z.string()).min(1).max(10_000),
  image: ImageRef,
  /** Overrides the site's policy. */
  seed: SeedPolicy.optional(),
  /** Time from the installation's end to the clone's report; default DEFAULT_FIRST_BOOT_SECONDS. */
  firstBootSeconds: z.int().min(1).max(86_400).optional(),
  /** Overrides the nodes' own setting. */
  identity: IdentityMode.optional(),
  /** Time that a person at the console has; default DEFAULT_ASK_SECONDS. */
  askSeconds: AskSeconds.optional(),
  /** Overrides the nodes' own setting. */
  unlock: Unlock.optional(),
  /** With "passphrase"; the same for all of these nodes. */
  passphrase: Passphrase.optional(),
  /** False: also nodes whose plan is refused for the disks that they last reported. */
  planCheck: z.boolean().optional(),
  /** Allows a node's backup to be deployed to another node, and a disk that is failing to be written. */
  force: z.boolean().optional(),
  /** Starts the nodes from the network, instead of waiting until they boot. */
  power: PowerTerms.optional(),
  /** The agents that run on the nodes restart them into the installer at once. */
  now: z.boolean().optional(),
  /** Overrides the nodes' own setting. */
  finish: Finish.optional(),
  /** Digest of the review (reviews.ts) that was read: the order is refused if it would no longer do the same. */
  reviewed: ReviewDigest.optional(),
});
export type DeployRequest = z.infer<typeof DeployRequest>;

/** A backup at the node's next network boot, for a node without a running agent. */
export const BootBackupRequest = BackupRequest.extend({
  /** The image whose kernel and tools it boots with; absent: the image it has. */
  image: ImageRef.optional(),
});
export type BootBackupRequest = z.input<typeof BootBackupRequest>;

/** The hardware of nodes, or of machines that appeared, is read at their next network boot, and nothing else is done. */
export const DiscoverRequest = z.object({
  nodes: z.array(z.string()).min(1).max(10_000),
  /** The image whose kernel they boot; absent: the one each has, else the newest that boots a machine. */
  image: ImageRef.optional(),
});
export type DiscoverRequest = z.infer<typeof DiscoverRequest>;

export const AgentToken = z.object({
  node: MachineName,
  token: z.string(),
  /** The server's address as nodes reach it. */
  server: z.string(),
});
export type AgentToken = z.infer<typeof AgentToken>;

/** Restores the nodes' disks to an image. */
export const RestoreRequest = RestoreTerms.partial().extend({
  nodes: z.array(z.string()).min(1).max(10_000),
  /** Absent: the image that each node has. */
  image: ImageRef.optional(),
  /** A version of that image, if `image` is absent. */
  version: z.int().min(1).optional(),
  /** For a disk that must be made again; as in DeployRequest. */
  passphrase: Passphrase.optional(),
  /** As in DeployRequest. */
  planCheck: z.boolean().optional(),
  force: z.boolean().optional(),
  /** At each boot from the network, until it is cancelled. */
  everyBoot: z.boolean().optional(),
  now: z.boolean().optional(),
  finish: Finish.optional(),
  /** As in DeployRequest. */
  reviewed: ReviewDigest.optional(),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;

export const DeployAnswer = z.object({
  deployment: id,
  /** About the version itself; what concerns one node stands with that node. */
  warnings: z.array(z.string()).optional(),
  image: z.string(),
  nodes: z.array(z.object({
    id,
    node: MachineName,
    /**
     * For `agent install --token`, if a node does not boot from the network. Valid for one enrolment. Its holder gets the
     * image's key: it is empty unless an admin asks.
     */
    token: z.string().default(""),
    /** What is known of the plan, in one line; absent for orders that only read. */
    plan: z.string().optional(),
    /** As `warnings` of its NodeView, as text. */
    warnings: z.array(text(400)).optional(),
  })),
});
export type DeployAnswer = z.infer<typeof DeployAnswer>;
