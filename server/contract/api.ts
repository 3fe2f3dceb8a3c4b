/**
 * What crosses the wire between agent, command line, page and server: JSON over HTTPS below `/api/v1`, checked
 * by these schemas at both ends. Errors are RFC 9457 problems (errors.ts). Every call carries
 * `Authorization: Bearer SECRET`; see token.ts for how a token carries the server's pin.
 *
 * Operator (admin token)
 *   GET    /templates                          TemplateView[]
 *   POST   /captures                           CaptureRequest → CaptureView
 *   GET    /captures   GET /captures/:id       CaptureView(s)
 *   DELETE /captures/:id                       cancels
 *   GET    /images                             ImageView[]       all versions of all images
 *   GET    /images/:ref                        VersionView       :ref is NAME or NAME@N
 *   DELETE /images/:ref
 *   POST   /images/:ref/verify                 NDJSON VerifyEvent…
 *   GET    /images/:ref/diff/:to               ImageChange[]     what has changed from the one to the other
 *   POST   /images/prune                       PruneRequest → PruneAnswer
 *   GET    /images/:name/settings              ImageSettings (restore.ts)
 *   PUT    /images/:name/settings              ImageSettings → ImageSettings   in place of the old ones
 *   GET    /images/:ref/export                 pax tar
 *   GET    /nodes      GET /nodes/:node        NodeView(s)       :node is name, MAC or id
 *   PUT    /nodes/:node                        NodeSettings → NodeView   creates it where it is new
 *   PUT    /nodes                              NodeChange[] → NodeView[]   all of them or none
 *   DELETE /nodes/:node
 *   POST   /deployments                        DeployRequest → DeployAnswer
 *   POST   /restores                           RestoreRequest → DeployAnswer
 *   POST   /nodes/:node/cancel                 NodeView
 *   GET    /nodes/:node/log                    StepReport[]      of its latest deployment
 *   POST   /nodes/:node/backup                 BackupRequest → CaptureView   by the agent that runs on it
 *   POST   /nodes/:node/agent                  AgentToken        for that agent; ends the one before
 *   GET    /deployments/:id                    DeploymentView
 *   GET    /hooks                              HookSummary[]
 *   GET    /hooks/:scope/:when/:name           HookView          see hooks.ts
 *   PUT    /hooks/:scope/:when/:name           HookContent → HookView
 *   DELETE /hooks/:scope/:when/:name
 *   GET    /swarm                              SwarmSettings
 *   POST   /swarm                              SwarmChange → SwarmSettings
 *   GET    /events                             server-sent events: ServerEvent
 *
 * Template's agent, `image import` (admin token; an AgentToken for the template of that node's name)
 *   POST /templates                            TemplateAnnouncement → { id }
 *   GET  /templates/:id/orders                 CaptureOrder, or 204 after 30 s: long polling
 *   POST /captures/:id/known                   n × 32 bytes → n bytes, 1 where the server has that extent
 *   POST /captures/:id/frames                  one frame's extents, see frame_upload.ts → 204; as it is, or in zstd
 *                                              with `Content-Encoding: zstd` (RFC 9110 §8.4, RFC 8878)
 *   POST /captures/:id/progress                CaptureProgress → 204
 *   POST /captures/:id/entries/:part           zstd of lines of entry_changes.ts, from part 0 on → 204
 *   PUT  /captures/:id/entries                 zstd of CaptureHeader, when all else is sent → 204
 *   POST /captures/:id/failed                  Problem → 204
 *
 * Node's agent (boot token, then the session token that enrolment gives)
 *   POST /node/enrol                           Enrolment → Order
 *   POST /node/report                          StepReport → ReportAnswer
 *   POST /node/identity                        IdentityClaim → Identity     409 where another node has it
 *   POST /node/record                          Identity → 204               what the clone bears, with its secrets
 *   GET  /node/packs/:torrent/:file            bytes of the version's files, whole or one range (RFC 9110 §14)
 *   GET  /node/torrent                         the version's metainfo
 *   POST /node/extents                         ExtentRequest → extents of the version, see extent_answer.ts
 *
 * The clone itself, over plain HTTP and once: see first_boot.ts.
 */
import { z } from "zod";
import {
  BytesPerSecond,
  InstallTimes,
  Limit,
  RackLabel,
  Racks,
  SeedPolicy,
  Slowness,
  SwarmSettings,
} from "./distribution.ts";
import { Hook } from "./hooks.ts";
import {
  AskSeconds,
  Cidr,
  Hostname,
  Identity,
  IdentityMode,
  Ipv4Address,
  Mac,
  NetworkInterface,
  NetworkInterfaces,
} from "./identity.ts";
import { DiskLayout } from "./layout.ts";
import { ImageName, Source, Totals } from "./manifest.ts";
import { RestoreOrder, RestoreTerms } from "./restore.ts";
import { STEPS } from "./steps.ts";
import { DOWNLOAD_SOURCES } from "./torrent/swarm_options.ts";

export { Cidr, Hostname, Ipv4Address, Mac };

export const API = "/api/v1";

const text = (max: number) => z.string().max(max);
const count = z.int().min(0);
const id = z.string().regex(/^[\w-]{1,64}$/);
const time = z.iso.datetime();

/** Names of templates and nodes: what a person types. */
export const MachineName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a name is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});
/** NAME (its newest version) or NAME@VERSION. */
export const ImageRef = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}(@[1-9][0-9]{0,8})?$/, {
  error: "an image is named NAME or NAME@VERSION, for instance web or web@3",
});

export const ProblemSchema = z.object({
  title: text(2000),
  status: z.int(),
  detail: text(20_000),
  remedy: text(4000),
});

// Capture

export const TemplateAnnouncement = z.object({
  name: MachineName,
  source: Source.optional(),
  layout: DiskLayout.optional(),
  /** What the machine lacks to be rebuilt, with the package's name. */
  lacks: z.array(text(400)).max(100),
});
export type TemplateAnnouncement = z.infer<typeof TemplateAnnouncement>;

export const TemplateView = TemplateAnnouncement.extend({
  id,
  address: text(64),
  online: z.boolean(),
  seen: time,
});
export type TemplateView = z.infer<typeof TemplateView>;

export const CaptureRequest = z.object({
  /** A template's name or id; absent for an import, whose client sends the content itself. */
  template: z.string().optional(),
  image: ImageName,
  level: z.int().min(1).max(19).default(9),
  excludes: z.array(text(4095)).max(10_000).default([]),
});
export type CaptureRequest = z.input<typeof CaptureRequest>;

export const CaptureOrder = z.object({
  capture: id,
  image: ImageName,
  /** Patterns beside the default ones; see agent/capture/excludes.ts. */
  excludes: z.array(text(4095)),
  /** What runs before and after, in this order. */
  hooks: z.array(Hook).optional(),
  /**
   * The capture that the image's newest version came from. Whoever remembers what it told then may tell what has
   * changed since (entry_changes.ts).
   */
  parent: id.optional(),
});
export type CaptureOrder = z.infer<typeof CaptureOrder>;

export const CaptureProgress = z.object({
  phase: z.enum(["walking", "reading", "finishing"]),
  filesDone: count,
  filesTotal: count,
  bytesDone: count,
  bytesTotal: count,
  /** Bytes that had to be sent, since the server lacked them. */
  bytesSent: count,
});
export type CaptureProgress = z.infer<typeof CaptureProgress>;

/** What ends a capture; `entries`: how many there were in all parts. */
export const CaptureHeader = z.object({
  source: Source.optional(),
  layout: DiskLayout.optional(),
  excludes: z.array(text(4095)).max(10_000),
  notes: z.array(text(8191)).max(10_000),
  entries: count,
  /**
   * SHA-256 of the lines of all entries, each with its LF, in hexadecimal. Needed where they were told as changes:
   * it proves that both ends mean the same parent.
   */
  sha256: z.string().regex(/^[0-9a-f]{64}$/).optional(),
});
export type CaptureHeader = z.infer<typeof CaptureHeader>;

export const CaptureView = z.object({
  id,
  image: ImageName,
  template: z.string().optional(),
  state: z.enum(["waiting", "receiving", "publishing", "published", "failed", "cancelled"]),
  started: time,
  finished: time.optional(),
  progress: CaptureProgress.optional(),
  /** What the server does while it publishes ("verifying frames"). */
  activity: text(200).optional(),
  /** The version's number once it is published. */
  version: z.int().optional(),
  notes: z.array(text(8191)),
  problem: ProblemSchema.optional(),
});
export type CaptureView = z.infer<typeof CaptureView>;

// Images

export const VersionView = z.object({
  image: ImageName,
  version: z.int(),
  /** SHA-256 of the manifest. */
  id: z.string(),
  created: time,
  infoHash: z.string(),
  totals: Totals,
  source: Source.optional(),
  layout: DiskLayout.optional(),
  excludes: z.array(z.string()),
  notes: z.array(z.string()),
  /** Whether a machine can be booted into the agent with it: it has a kernel and the tools that install. */
  bootable: z.boolean(),
  bootNotes: z.array(z.string()),
  /** Of backups: the node's name. */
  backupOf: MachineName.optional(),
});
export type VersionView = z.infer<typeof VersionView>;
export const ImageView = VersionView.pick({
  image: true,
  version: true,
  id: true,
  created: true,
  totals: true,
  bootable: true,
  backupOf: true,
});
export type ImageView = z.infer<typeof ImageView>;

export const VerifyEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("progress"), bytesDone: count, bytesTotal: count }),
  z.object({ type: z.literal("damage"), what: z.string() }),
  z.object({ type: z.literal("done"), extents: count, bytes: count, damaged: count }),
]);
export type VerifyEvent = z.infer<typeof VerifyEvent>;

/** One path that is not the same in two versions. */
export const ImageChange = z.object({
  /** `content`: other bytes, or another type; `attributes`: all but that. */
  change: z.enum(["added", "removed", "content", "attributes"]),
  /** As `displayPath` shows it. */
  path: z.string(),
  type: z.enum(["directory", "file", "symlink", "link", "char", "block", "fifo"]),
  /** Files: the size of what was added or removed, and of changed content the part that is new. */
  bytes: count.optional(),
  /** Changed attributes ("mode", "owner", "mtime", "xattrs", "target", "device"), and what type it was. */
  what: z.array(z.string()).optional(),
});
export type ImageChange = z.infer<typeof ImageChange>;

/** Which versions stay; with several limits, what any of them keeps. */
export const KeepPolicy = z.object({
  /** So many newest of every image. */
  keepLast: z.int().min(1).max(1_000_000).optional(),
  keepNewerThanSeconds: z.int().min(1).optional(),
});
export type KeepPolicy = z.infer<typeof KeepPolicy>;

export const PruneRequest = KeepPolicy.extend({
  /** Only these; absent: all. */
  images: z.array(ImageName).min(1).max(10_000).optional(),
  /** False: only say what would go. */
  apply: z.boolean(),
}).refine((p) => p.keepLast !== undefined || p.keepNewerThanSeconds !== undefined, {
  error: "say what is to be kept: --keep-last, --keep-newer-than or both",
});
export type PruneRequest = z.infer<typeof PruneRequest>;
export const PruneAnswer = z.object({
  applied: z.boolean(),
  removed: z.array(z.object({ image: ImageName, version: z.int(), created: time })),
  kept: z.array(z.object({ image: ImageName, version: z.int(), created: time, reason: z.string() })),
  /** What the removed versions had for themselves on the disk. */
  freedBytes: count,
});
export type PruneAnswer = z.infer<typeof PruneAnswer>;

// Nodes

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

/** "installed": the installer has ended; "running": the clone itself said so. */
export const NodeState = z.enum(["idle", "armed", "installing", "installed", "running", "failed"]);
export type NodeState = z.infer<typeof NodeState>;

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

export const StepReport = z.object({
  step: z.enum(STEPS),
  state: z.enum(["running", "done", "failed"]),
  /** Since the step began. */
  elapsedMs: count,
  message: text(8000).optional(),
  progress: z.object({
    ...{ bytesDone: count, bytesTotal: count, peers: count, bytesPerSecond: count },
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

export const BackupRequest = CaptureRequest.pick({ level: true, excludes: true });
export type BackupRequest = z.input<typeof BackupRequest>;

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
  }),
  /** by-path or by-id name of the disk to install to, where the operator named one. */
  disk: z.string().optional(),
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

// Live events

export const ServerEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("node"), node: NodeView }),
  z.object({ type: z.literal("node-removed"), name: MachineName }),
  z.object({ type: z.literal("template"), template: TemplateView }),
  z.object({ type: z.literal("capture"), capture: CaptureView }),
  /** A version came or went. */
  z.object({ type: z.literal("images") }),
  z.object({ type: z.literal("swarm"), settings: SwarmSettings }),
]);
export type ServerEvent = z.infer<typeof ServerEvent>;
