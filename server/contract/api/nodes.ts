/** What an operator sets, orders and sees of nodes. */
import { z } from "zod";
import { BytesPerSecond, Limit, RackLabel, SeedPolicy, Slowness } from "./distribution.ts";
import { AskSeconds, Cidr, Hostname, IdentityMode, Ipv4Address, Mac, NetworkInterface } from "../identity.ts";
import { RestoreTerms } from "./restore.ts";
import { id, ImageRef, MachineName, ProblemSchema, text, time } from "./fields.ts";
import { BackupRequest } from "./captures.ts";
import { Inventory, StepReport } from "./node_agent.ts";

export const NodeSettings = z.object({
  mac: Mac.optional(),
  hostname: Hostname.optional(),
  /** How it comes to its identity; "assign" where nothing is said. */
  identity: IdentityMode.optional(),
  /**
   * "dhcp", or what the clone bears on the card that it is started over, or on the bond that has this card;
   * "off": nothing there.
   */
  address: z.union([z.enum(["dhcp", "off"]), Cidr]).optional(),
  gateway: Ipv4Address.optional(),
  dns: z.array(Ipv4Address).max(3).optional(),
  /** Further cards, bonds and VLANs, and what else the first one bears. */
  interfaces: z.array(NetworkInterface).max(64).optional(),
  /** `@LABEL` names all nodes of the group at once. */
  group: RackLabel.optional(),
  /** First UEFI boot program: snponly.efi, or ipxe.efi for firmware that hangs with it. */
  bootProgram: z.enum(["snponly.efi", "ipxe.efi"]).optional(),
  /** The disk to install to, as /dev/disk/by-path or by-id name it, where the plan cannot choose. */
  disk: z.string().max(255).regex(/^\/dev\/disk\/by-(path|id)\/[^/]+$/).optional(),
  /** What it gives to other nodes at most; "off": without limit, whatever holds for the site. */
  uploadLimit: z.union([BytesPerSecond, z.literal("off")]).optional(),
  /** Nodes with one label prefer each other as peers. */
  rack: RackLabel.optional(),
  /** It is backed up so often, while its agent runs. */
  backupEverySeconds: z.int().min(60).max(366 * 86_400).optional(),
});
export type NodeSettings = z.infer<typeof NodeSettings>;

/** `node`: its name, MAC or id. */
export const NodeChange = z.object({ node: text(64), settings: NodeSettings });
export type NodeChange = z.infer<typeof NodeChange>;

/**
 * "installed": the installer has ended; "running": the clone itself said so; "aborted": the operator cancelled the
 * installation after it had begun, so what is on the disk is incomplete.
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

/** A clone's own start, where it can tell of it. */
export const FirstBootView = z.object({
  /** When it is to have reported. */
  due: time,
  /** When it did, and the host name that it bears. */
  reported: time.optional(),
  hostname: text(255).optional(),
  /** It is overdue, bears another name, or a hook of its first boot failed. */
  problem: ProblemSchema.optional(),
});
export type FirstBootView = z.infer<typeof FirstBootView>;

export const NodeView = z.object({
  id,
  name: MachineName,
  settings: NodeSettings,
  state: NodeState,
  /** Image and version of the running, else of the last finished deployment ("web@3"). */
  image: z.string().optional(),
  address: text(64).optional(),
  seen: time.optional(),
  /** It is being installed, and was not heard of since: its power or its network may be gone. */
  silentSince: time.optional(),
  armed: z.boolean(),
  report: StepReport.optional(),
  firstBoot: FirstBootView.optional(),
  inventory: Inventory.optional(),
  /** What keeps it, or kept it, from installing faster. */
  limit: Limit.optional(),
  /** Where it is the slowest of its deployment. */
  slowest: Slowness.optional(),
  /** Finished nodes: for whom it seeds on. */
  seeding: z.object({ reason: text(400), for: z.array(MachineName).max(20) }).optional(),
  /** Where what was ordered last is, or was, a backup at its boot. */
  backup: BackupRequest.optional(),
  /** Where its latest deployment is, or was, a restore; `changes`: what it changed or would, once it is over. */
  restore: RestoreTerms.extend({ changes: z.array(text(1000)).max(1000).optional() }).optional(),
});
export type NodeView = z.infer<typeof NodeView>;

export const DeployRequest = z.object({
  nodes: z.array(z.string()).min(1).max(10_000),
  image: ImageRef,
  /** Instead of the site's policy. */
  seed: SeedPolicy.optional(),
  /** From the installation's end to the clone's own report; see DEFAULT_FIRST_BOOT_SECONDS. */
  firstBootSeconds: z.int().min(1).max(86_400).optional(),
  /** Instead of the nodes' own way. */
  identity: IdentityMode.optional(),
  /** How long a person at the console has; see DEFAULT_ASK_SECONDS. */
  askSeconds: AskSeconds.optional(),
  /** A node's backup may become another node, too. */
  force: z.boolean().optional(),
});
export type DeployRequest = z.infer<typeof DeployRequest>;

/** A backup at the node's next boot from the network, where no agent runs on it. */
export const BootBackupRequest = BackupRequest.extend({
  /** What it is booted with, its kernel and tools; absent: what it bears. */
  image: ImageRef.optional(),
});
export type BootBackupRequest = z.input<typeof BootBackupRequest>;

export const AgentToken = z.object({
  node: MachineName,
  token: z.string(),
  /** The server as nodes reach it. */
  server: z.string(),
});
export type AgentToken = z.infer<typeof AgentToken>;

/** Brings the nodes' disks back to an image. */
export const RestoreRequest = RestoreTerms.partial().extend({
  nodes: z.array(z.string()).min(1).max(10_000),
  /** Absent: what the nodes bear. */
  image: ImageRef.optional(),
  /** Of that image, where `image` names none. */
  version: z.int().min(1).optional(),
  /** As in DeployRequest. */
  force: z.boolean().optional(),
});
export type RestoreRequest = z.infer<typeof RestoreRequest>;

export const DeployAnswer = z.object({
  deployment: id,
  image: z.string(),
  /** For `agent install --token`, where a node does not boot from the network. Good for one enrolment. */
  nodes: z.array(z.object({ id, node: MachineName, token: z.string() })),
});
export type DeployAnswer = z.infer<typeof DeployAnswer>;

/** A batch: what was ordered by one `node deploy`. */
export const DeploymentView = z.object({
  id,
  image: z.string(),
  seed: SeedPolicy,
  nodes: z.array(z.object({ node: MachineName, state: NodeState, limit: Limit.optional() })),
  slowest: Slowness.optional(),
});
export type DeploymentView = z.infer<typeof DeploymentView>;
