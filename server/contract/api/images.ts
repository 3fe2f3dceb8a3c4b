/** Versions, the changes between them, and which to prune. */
import { z } from "zod";
import { DiskLayout } from "../format/layout.ts";
import { ImageName, Source, Totals } from "../format/manifest.ts";
import { count, MachineName, time } from "./fields.ts";
import { PageQuery } from "./pages.ts";
import { Verdict } from "./rehearsals.ts";
import { TagName, VersionNote } from "./image_tags.ts";

/** Disk space of a version, in bytes, by packs and by the files of its folder. */
export const StoredBytes = z.object({
  /** What only this version uses: deleting it frees as much. */
  own: count,
  /** What other versions use as well. */
  shared: count,
  /** Of all versions of the image together; what they share is counted once. */
  lineage: count,
});
export type StoredBytes = z.infer<typeof StoredBytes>;

export const VersionView = z.object({
  image: ImageName,
  version: z.int(),
  /** SHA-256 of the manifest. */
  id: z.string(),
  created: time,
  infoHash: z.string(),
  totals: Totals,
  source: Source.optional(),
  /** Of the machines that it is for, as uname(2) names it; absent if it came from a directory or a tar. */
  architecture: Source.shape.architecture.optional(),
  layout: DiskLayout.optional(),
  excludes: z.array(z.string()),
  notes: z.array(z.string()),
  /** Whether a machine can boot into the agent with it: it has a kernel and the tools to install. */
  bootable: z.boolean(),
  bootNotes: z.array(z.string()),
  /** Of backups: the node's name. */
  backupOf: MachineName.optional(),
  /** It is the upstream's, and read-only here. */
  mirrored: z.literal(true).optional(),
  /** The verdict of its latest rehearsal that had one. */
  rehearsal: Verdict.optional(),
  /** The image's newest version when this one was captured. */
  parent: z.int().min(1).optional(),
  /** Sorted. */
  tags: z.array(TagName),
  note: VersionNote.optional(),
  stored: StoredBytes,
});
export type VersionView = z.infer<typeof VersionView>;
export const ImageView = VersionView.pick({
  image: true,
  version: true,
  id: true,
  created: true,
  totals: true,
  architecture: true,
  bootable: true,
  backupOf: true,
  mirrored: true,
  rehearsal: true,
  parent: true,
  tags: true,
  note: true,
  stored: true,
});
export type ImageView = z.infer<typeof ImageView>;

export const ImageQuery = PageQuery.extend({
  image: ImageName.optional(),
  /** Only the backups of this node. */
  backupOf: MachineName.optional(),
});

export const VerifyEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("progress"), bytesDone: count, bytesTotal: count }),
  z.object({ type: z.literal("damage"), what: z.string() }),
  z.object({ type: z.literal("done"), extents: count, bytes: count, damaged: count }),
]);
export type VerifyEvent = z.infer<typeof VerifyEvent>;

/** One path that differs between two versions. */
export const ImageChange = z.object({
  /** `content`: other bytes or another type; `attributes`: anything else. */
  change: z.enum(["added", "removed", "content", "attributes"]),
  /** As `displayPath` shows it. */
  path: z.string(),
  type: z.enum(["directory", "file", "symlink", "link", "char", "block", "fifo"]),
  /** Files: the size of what was added or removed; for changed content, the size of the new part. */
  bytes: count.optional(),
  /** Changed attributes ("mode", "owner", "mtime", "xattrs", "target", "device", inode flags as "+i") and the old type. */
  what: z.array(z.string()).optional(),
});
export type ImageChange = z.infer<typeof ImageChange>;

/** Which versions stay. With several limits, a version stays if any of them keeps it. */
export const KeepPolicy = z.object({
  /** Number of newest versions to keep of every image. */
  keepLast: z.int().min(1).max(1_000_000).optional(),
  keepNewerThanSeconds: z.int().min(1).optional(),
});
export type KeepPolicy = z.infer<typeof KeepPolicy>;

export const PruneRequest = KeepPolicy.extend({
  /** Only these; absent: all. */
  images: z.array(ImageName).min(1).max(10_000).optional(),
  /** Also versions that tags name; those tags go with them. */
  force: z.boolean().optional(),
  /** False: only report what would be removed. */
  apply: z.boolean(),
}).refine((p) => p.keepLast !== undefined || p.keepNewerThanSeconds !== undefined, {
  error: "give what to keep: --keep-last, --keep-newer-than or both",
});
export type PruneRequest = z.infer<typeof PruneRequest>;
export const PruneAnswer = z.object({
  applied: z.boolean(),
  removed: z.array(z.object({ image: ImageName, version: z.int(), created: time })),
  kept: z.array(z.object({ image: ImageName, version: z.int(), created: time, reason: z.string() })),
  /** Disk space that only the removed versions used. */
  freedBytes: count,
});
export type PruneAnswer = z.infer<typeof PruneAnswer>;
