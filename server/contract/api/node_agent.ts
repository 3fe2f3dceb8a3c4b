/** What a node's agent tells the server, and is told by it. */
import { z } from "zod";
import { BytesPerSecond, DOWNLOAD_SOURCES, InstallTimes, Racks } from "./distribution.ts";
import { Hook } from "./hooks.ts";
import { OwnPaths } from "../own_files/own_path.ts";
import { AskSeconds, Cidr, Hostname, Identity, IdentityMode, NetworkInterfaces } from "../identity.ts";
import { ImageName } from "../format/manifest.ts";
import { RestoreOrder } from "./restore.ts";
import { STEPS } from "./steps.ts";
import { count, id, MachineName, ProblemSchema, text } from "./fields.ts";

export const Inventory = z.object({
  /** "machine" in the initramfs, "directory" where --target names one. */
  kind: z.enum(["machine", "directory"]),
  uuid: text(64).optional(),
  serial: text(128).optional(),
  model: text(256).optional(),
  firmware: z.enum(["bios", "uefi"]),
  memoryBytes: count,
  cpus: count,
  nics: z.array(z.object({ name: text(32), mac: text(32), driver: text(64).optional() })).max(64),
  disks: z.array(z.object({
    name: text(64),
    sizeBytes: count,
    sectorBytes: count,
    model: text(128).optional(),
    serial: text(128).optional(),
    byPath: text(255).optional(),
    removable: z.boolean(),
    transport: text(32).optional(),
    /** What lies on it now, in words ("gpt: ext4 'root', swap"). */
    content: text(1000),
  })).max(256),
});
export type Inventory = z.infer<typeof Inventory>;

/** What tells the disk that is installed to from others. */
export const ChosenDisk = z.object({
  model: text(255).optional(),
  serial: text(255).optional(),
  byPath: text(255).optional(),
});
export type ChosenDisk = z.infer<typeof ChosenDisk>;

export const StepReport = z.object({
  step: z.enum(STEPS),
  state: z.enum(["running", "done", "failed"]),
  /** Since the step began. */
  elapsedMs: count,
  message: text(8000).optional(),
  progress: z.object({
    bytesDone: count,
    bytesTotal: count,
    peers: count,
    bytesPerSecond: count,
    /** Where the data comes from now, and what of it has come from web seeds and the server's own HTTP. */
    source: z.enum(DOWNLOAD_SOURCES).optional(),
    webSeedBytes: count.optional(),
    /** Who sent corrupt data: addresses of peers, URLs of web seeds. */
    banned: z.array(text(300)).max(20).optional(),
  }).optional(),
  problem: ProblemSchema.optional(),
  /** What hooks printed; where it failed, the end of the log. */
  log: z.array(text(4000)).max(400).optional(),
  /** The plan as people read it, with the step that made it. */
  plan: z.array(text(1000)).max(1000).optional(),
  /** With the step "plan". */
  disk: ChosenDisk.optional(),
  /** With the step "install". */
  times: InstallTimes.optional(),
  /** `revision` of the racks that the node knows. */
  racks: text(32).optional(),
  /** With the step "finish": the clone will report its first boot, under this host name. */
  reportsAs: Hostname.optional(),
});
export type StepReport = z.infer<typeof StepReport>;

/** What the server tells a node that reports. */
export const ReportAnswer = z.object({
  /** The operator called it off: stop before the next step. */
  cancelled: z.boolean(),
  /** Others of the deployment still fetch: go on seeding. */
  seedOn: z.boolean(),
  /** What it may give to others, in bytes per second; absent: as much as it can. */
  uploadLimit: BytesPerSecond.optional(),
  /** Where those that it knows are no longer right. */
  racks: Racks.optional(),
  /** Mere progress is to be told so seldom; absent: once a second. */
  nextReportMs: z.int().min(500).max(15_000).optional(),
});
export type ReportAnswer = z.infer<typeof ReportAnswer>;

export const Enrolment = z.object({ inventory: Inventory });
export type Enrolment = z.infer<typeof Enrolment>;

/** What a node is to be: by its old disk with interfaces, by a person with a name and perhaps an address. */
export const IdentityClaim = z.object({
  hostname: Hostname,
  interfaces: NetworkInterfaces.optional(),
  address: z.union([z.literal("dhcp"), Cidr]).optional(),
});
export type IdentityClaim = z.infer<typeof IdentityClaim>;

/** All that a node's agent needs to know. */
export const Order = z.object({
  /** Bearer of the calls that follow. */
  session: z.string(),
  deployment: id,
  node: MachineName,
  image: ImageName,
  version: z.int(),
  manifest: z.object({
    /** SHA-256 of the manifest, and its signature (manifest.ts) with the key to check it. */
    id: z.string(),
    signature: z.string(),
    publicKey: z.string(),
    /** Its first line, so that the plan can be made before anything is fetched. */
    header: z.string(),
  }),
  /** Base64; opens frames and manifest. */
  key: z.string(),
  swarm: z.object({
    infoHash: z.string(),
    announce: z.array(z.string()),
    webSeeds: z.array(z.string()),
    /** As in ReportAnswer. */
    uploadLimit: BytesPerSecond.optional(),
    racks: Racks.optional(),
    /** It seeds no longer than this, also where the server says nothing any more. */
    seedSeconds: z.int().min(0).optional(),
    /** Where the torrent file is by rsync ("rsync://10.0.0.1:873/torrents/web@1.torrent"), if anywhere. */
    rsync: z.string().max(1000).optional(),
  }),
  identity: z.object({
    mode: IdentityMode,
    /** By the server's table: what "ask" proposes, and "keep" comes to where nothing is found. */
    assigned: Identity,
    /** For "keep": what it bore when it was last installed here. */
    recorded: Identity.optional(),
    /** For "ask": how long a person has before the proposal is taken. */
    askSeconds: AskSeconds,
    /** Paths that the image's settings add to own_files/table.ts. */
    own: OwnPaths.optional(),
    /** The image is a backup of this very node: what makes a machine itself stays as the image has it. */
    isBackup: z.boolean().optional(),
  }),
  /** by-path or by-id name of the disk to install to, where the operator named one. */
  disk: z.string().optional(),
  /** Of a machine that was installed from here before: where. */
  installedDisk: ChosenDisk.optional(),
  /** Of pre-install, post-install and first-boot, in the order in which they run; not in a directory. */
  hooks: z.array(Hook).optional(),
  /** Of a machine: where and by what token (first_boot.ts) its clone reports. */
  firstBoot: z.object({
    url: z.url({ protocol: /^http$/ }).max(1000),
    token: text(200),
    /** It need not try for longer. */
    tryForSeconds: z.int().min(1),
  }).optional(),
  /** What the server offers beside tracker and web seeds, where those fail. */
  fallback: z.object({
    /** The server's own seeder. */
    peers: z.array(z.object({ hostname: text(64), port: z.int().min(1).max(65_535) })).max(16),
    /** Below this path of the API lie the version's files: TORRENT/FILE, over HTTPS in ranges. */
    packs: z.string().max(200).regex(/^\/[\w/-]+\/$/),
  }).optional(),
  /** Its disk is to be restored, not overwritten. */
  restore: RestoreOrder.optional(),
  /** Below the API, where the server cuts extents out of frames. */
  extents: z.string().max(200).regex(/^\/[\w/-]+$/).optional(),
});
export type Order = z.infer<typeof Order>;

/**
 * Of a node that is to be backed up: it names nothing that an installation needs, so that no agent can take it for
 * one.
 */
export const BackupOrder = z.object({
  /** Bearer of the calls that follow. */
  session: z.string(),
  deployment: id,
  node: MachineName,
  backup: z.object({
    /** The lineage that it goes to. */
    image: ImageName,
    /** Patterns beside the default ones. */
    excludes: z.array(text(4095)),
  }),
  /** by-path or by-id name of the disk that carries its root, where the operator named one. */
  disk: z.string().optional(),
});
export type BackupOrder = z.infer<typeof BackupOrder>;
