/** Messages between a node's agent and the server. */
import { z } from "zod";
import { TpmQuote } from "./attestation.ts";
import { DiskChoices, InstalledDisk } from "./disks.ts";
import { BytesPerSecond, DOWNLOAD_SOURCES, InstallTimes, Racks, TransferSources } from "./distribution.ts";
import { EncryptionOrder, RecoveryKey } from "./encryption.ts";
import {
  Board,
  DiskHealth,
  ManagementController,
  MemoryModules,
  Neighbour,
  PciDevice,
  Processors,
} from "./hardware.ts";
import { Hook } from "./hooks.ts";
import { OwnPaths } from "../own_files/own_path.ts";
import { AskSeconds, Cidr, Hostname, Identity, IdentityMode, NetworkInterfaces } from "../identity.ts";
import { FirmwareTrust, TrustAnchor } from "../format/boot_program.ts";
import { ImageName } from "../format/manifest.ts";
import { Finish } from "./restarts.ts";
import { RestoreOrder } from "./restore.ts";
import { SecureBootOrder } from "./secure_boot.ts";
import { STEPS } from "./steps.ts";
import { count, id, MachineName, ProblemSchema, text } from "./fields.ts";

/** DiskFacts (disk_facts.ts) as a node sends them. The optional facts are missing from agents of earlier releases. */
const InventoryDisk = z.object({
  name: text(64),
  number: text(16).optional(),
  kind: z.enum(["disk", "loop", "other"]).optional(),
  sizeBytes: count,
  sectorBytes: count,
  model: text(128).optional(),
  serial: text(128).optional(),
  /** The first of its names. */
  byPath: text(255).optional(),
  names: z.array(text(255)).max(64).optional(),
  removable: z.boolean(),
  readOnly: z.boolean().optional(),
  transport: text(32).optional(),
  uses: z.array(text(300)).max(64).optional(),
  partitions: z.array(z.object({ name: text(64), number: count, start512: count, size512: count })).max(256)
    .optional(),
  /** Its current content, as text ("gpt: ext4 'root', swap"). */
  content: text(1000),
  labels: z.array(text(255)).max(256).optional(),
  signatures: z.array(text(64)).max(256).optional(),
  paths: z.array(text(64)).max(64).readonly().optional(),
  drivers: z.array(text(64)).max(64).readonly().optional(),
  health: DiskHealth.optional(),
});

export const Inventory = z.object({
  /** "machine" in the initramfs, "directory" if --target names one. */
  kind: z.enum(["machine", "directory"]),
  uuid: text(64).optional(),
  serial: text(128).optional(),
  model: text(256).optional(),
  /** Machine name of uname(2); agents of earlier releases, which ran on x86-64 only, do not say. */
  architecture: text(32).optional(),
  firmware: z.enum(["bios", "uefi"]),
  memoryBytes: count,
  cpus: count,
  nics: z.array(z.object({
    name: text(32),
    mac: text(32),
    driver: text(64).optional(),
    /** The kernel made the MAC up, because the NIC has none: it is another one at each start. */
    randomMac: z.boolean().optional(),
    /** Whether a cable with a live other end is plugged in; absent if the NIC was not switched on. */
    link: z.boolean().optional(),
    speedMbps: count.optional(),
    neighbour: Neighbour.optional(),
  })).max(64),
  /** Hardware for storage and network, whether or not it has a driver. */
  controllers: z.array(z.object({ modalias: text(255), driver: text(64).optional() })).max(128).optional(),
  /** Whether it has a TPM 2.0; agents of earlier releases do not say. */
  tpm2: z.boolean().optional(),
  /** SHA-256 of the public area of that TPM's endorsement key, as in TpmView. */
  tpmKey: z.string().regex(/^[0-9a-f]{64}$/).optional(),
  /** UEFI: absent from agents of earlier releases, and if the variables are not accessible. */
  secureBoot: FirmwareTrust.optional(),
  disks: z.array(InventoryDisk).max(256),
  // what follows is missing from agents of earlier releases
  processors: Processors.optional(),
  memory: MemoryModules.optional(),
  board: Board.optional(),
  management: ManagementController.optional(),
  /** PCI devices other than bridges. */
  devices: z.array(PciDevice).max(256).optional(),
});
export type Inventory = z.infer<typeof Inventory>;

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
    /** The current source of the data, and how much has come from web seeds and the server's own HTTP. */
    source: z.enum(DOWNLOAD_SOURCES).optional(),
    webSeedBytes: count.optional(),
    sources: TransferSources.optional(),
    /** Senders of corrupt data: addresses of peers, URLs of web seeds. */
    banned: z.array(text(300)).max(20).optional(),
  }).optional(),
  problem: ProblemSchema.optional(),
  /** Output of hooks; after a failure, the end of the log. */
  log: z.array(text(4000)).max(400).optional(),
  /** What the agent has logged since its last report, for those who watch; not kept with the step. */
  console: z.array(text(1000)).max(200).optional(),
  /** The human-readable plan, with the step that made it. */
  plan: z.array(text(1000)).max(1000).optional(),
  /** With the step "plan": the disks that are written. */
  disks: z.array(InstalledDisk).max(64).optional(),
  /** The encrypted volumes exist, with the keys of the order: the server may forget the passphrase. */
  encrypted: z.literal(true).optional(),
  /** With the step "install". */
  times: InstallTimes.optional(),
  /** `revision` of the racks that the node knows. */
  racks: text(32).optional(),
  /** With the step "finish": the clone will report its first boot, under this host name. */
  reportsAs: Hostname.optional(),
});
export type StepReport = z.infer<typeof StepReport>;

/** The server's answer to a node's report. */
export const ReportAnswer = z.object({
  /** The operator cancelled: stop before the next step. */
  cancelled: z.boolean(),
  /** Others of the deployment still fetch: keep seeding. */
  seedOn: z.boolean(),
  /** Its upload limit in bytes per second; absent: none. */
  uploadLimit: BytesPerSecond.optional(),
  /** Present if the node's racks are out of date. */
  racks: Racks.optional(),
  /** Interval between reports of mere progress; absent: once a second. */
  nextReportMs: z.int().min(500).max(15_000).optional(),
});
export type ReportAnswer = z.infer<typeof ReportAnswer>;

/** The body of POST /node/inventory. */
export const InventoryReport = z.object({ inventory: Inventory });

export const Enrolment = InventoryReport.extend({
  /** If the server has asked for one: it answers 428 without. */
  quote: TpmQuote.optional(),
  /** What the agent could not report before, in order. */
  reports: z.array(StepReport).max(32).optional(),
});
export type Enrolment = z.infer<typeof Enrolment>;

/** The identity that a node asks for: its old disk's with interfaces, or a person's choice of name and address. */
export const IdentityClaim = z.object({
  hostname: Hostname,
  interfaces: NetworkInterfaces.optional(),
  address: z.union([z.literal("dhcp"), Cidr]).optional(),
});
export type IdentityClaim = z.infer<typeof IdentityClaim>;

/** Recovery keys that may open the volumes on the node's disks as they are, newest first. */
const openWith = z.array(RecoveryKey).max(8).optional();

/** Everything that a node's agent needs to install. */
export const Order = z.object({
  /** Bearer token of the following calls. */
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
    /** Its first line, so that the node can plan before it fetches anything. */
    header: z.string(),
  }),
  /** Base64; opens frames and manifest. */
  key: z.string(),
  swarm: z.object({
    infoHash: z.string(),
    announce: z.array(z.string()),
    webSeeds: z.array(z.string()),
    /** Use them from the beginning: the server's own seeder is off. */
    webSeedsFirst: z.boolean().optional(),
    /** As in ReportAnswer. */
    uploadLimit: BytesPerSecond.optional(),
    racks: Racks.optional(),
    /** It seeds no longer than this, even if the server stops answering. */
    seedSeconds: z.int().min(0).optional(),
    /** The torrent file by rsync ("rsync://10.0.0.1:873/torrents/web@1.torrent"), if rsync is served. */
    rsync: z.string().max(1000).optional(),
  }),
  identity: z.object({
    mode: IdentityMode,
    /** From the server's table: "ask" proposes it, and "keep" falls back to it. */
    assigned: Identity,
    /** For "keep": its identity at the last installation from this server. */
    recorded: Identity.optional(),
    /** For "ask": time until the proposal is accepted. */
    askSeconds: AskSeconds,
    /** Paths that the image's settings add to own_files/table.ts. */
    own: OwnPaths.optional(),
    /** The image is a backup of this node: the identity in it stays. */
    isBackup: z.boolean().optional(),
  }),
  ...DiskChoices.shape,
  /** The disks of an earlier installation from this server. */
  installedDisks: z.array(InstalledDisk).max(64).optional(),
  /** For a machine in set-up mode, if the site wants its own Secure Boot key there. */
  secureBoot: SecureBootOrder.optional(),
  /** Certificate of the key by which the server signs the clone's boot programs, if they need it; see POST /node/signatures. */
  signs: TrustAnchor.optional(),
  /** For a machine, if the image has encrypted volumes. */
  encryption: EncryptionOrder.optional(),
  openWith,
  /** pre-install, post-install and first-boot, in the order in which they run; none for a directory. */
  hooks: z.array(Hook).optional(),
  /** For a machine: the address and token of the clone's report (first_boot.ts). */
  firstBoot: z.object({
    url: z.url({ protocol: /^http$/ }).max(1000),
    token: text(200),
    /** It gives up after this time. */
    tryForSeconds: z.int().min(1),
  }).optional(),
  /** What the server offers if tracker and web seeds fail. */
  fallback: z.object({
    /** The server's own seeder. */
    peers: z.array(z.object({ hostname: text(64), port: z.int().min(1).max(65_535) })).max(16),
    /** Path of the API that serves the version's files as TORRENT/FILE, over HTTPS, in ranges. */
    packs: z.string().max(200).regex(/^\/[\w/-]+\/$/),
  }).optional(),
  /** Restore the disk instead of overwriting it. */
  restore: RestoreOrder.optional(),
  /** How it gets into its own system; absent: "reboot". */
  finish: Finish.optional(),
  /** Path of the API that cuts extents out of frames. */
  extents: z.string().max(200).regex(/^\/[\w/-]+$/).optional(),
});
export type Order = z.infer<typeof Order>;

/**
 * The order of a node that is to be backed up. It has nothing that an installation needs, so that no agent mistakes it
 * for one.
 */
export const BackupOrder = z.object({
  /** Bearer token of the following calls. */
  session: z.string(),
  deployment: id,
  node: MachineName,
  backup: z.object({
    /** The lineage that receives it. */
    image: ImageName,
    /** Patterns in addition to the default ones. */
    excludes: z.array(text(4095)),
  }),
  /** The disks of its system, if the operator named them. */
  disks: DiskChoices.shape.disks,
  openWith,
});
export type BackupOrder = z.infer<typeof BackupOrder>;

/** The order of a node whose hardware is to be read, and nothing else. No agent mistakes it for another order. */
export const DiscoverOrder = z.object({
  /** Bearer token of the following calls. */
  session: z.string(),
  deployment: id,
  node: MachineName,
  discover: z.object({
    /** How long to listen for the switches' announcements. */
    listenSeconds: z.int().min(0).max(120),
  }),
});
export type DiscoverOrder = z.infer<typeof DiscoverOrder>;
