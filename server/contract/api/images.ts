/** Versions, what changed between them, and which may go. */
import { z } from "zod";
import { DiskLayout } from "../format/layout.ts";
import { ImageName, Source, Totals } from "../format/manifest.ts";
import { count, MachineName, time } from "./fields.ts";

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
  /** Changed attributes ("mode", "owner", "mtime", "xattrs", "target", "device", inode flags as "+i"), and what type it was. */
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
