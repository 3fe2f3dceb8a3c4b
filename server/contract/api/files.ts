/** The files of a version: folders, entries, searches, and what differs between two versions as a tree. */
import { z } from "zod";
import { CHANGE_KINDS } from "../change_kinds.ts";
import { count, text } from "./fields.ts";
import { ImageChange } from "./images.ts";
import { PageQuery } from "./pages.ts";

/** A path is relative to the image's root, which is "". Bytes that are not UTF-8 are base64, so that no name is lost. */
export const FilePath = z.union([z.string(), z.object({ base64: z.string() })]);
export type FilePath = z.infer<typeof FilePath>;

/** Which path a call is about: as text, or as bytes in base64url. A leading slash may be given. Neither: the root. */
const named = { path: text(16_400).optional(), path64: text(5_500).optional() };
export const PathQuery = z.strictObject(named);
export type PathQuery = z.infer<typeof PathQuery>;
export const FolderQuery = PageQuery.extend(named);

const EntryType = z.enum(["directory", "file", "symlink", "link", "char", "block", "fifo"]);

export const FileView = z.object({
  /** The last part of its path, for people: what cannot be shown is written as \xNN. */
  name: z.string(),
  path: FilePath,
  /** `link`: another name of a file; everything else here is that file's. */
  type: EntryType,
  /** Permission bits, with setuid, setgid and sticky. */
  mode: z.int(),
  uid: z.int(),
  gid: z.int(),
  /** Seconds since 1970, and nanoseconds. */
  mtimeSec: z.int(),
  mtimeNs: z.int(),
  /** Of files, holes included. */
  sizeBytes: count.optional(),
  /** Of links, as it is written there. */
  target: z.string().optional(),
  /** Major and minor number. */
  device: z.tuple([count, count]).optional(),
  /** Names of its extended attributes. */
  xattrs: z.array(z.string()).optional(),
  /** Flags of chattr(1), quota project and allocation hints, as text. */
  flags: z.string().optional(),
  /** Of folders: everything below. `fileBytes` counts a file with several names once. */
  below: z.object({ entries: count, fileBytes: count }).optional(),
});
export type FileView = z.infer<typeof FileView>;

/** An entry with all that is known of it. */
export const FileDetails = FileView.extend({
  /** Of a symlink, or of a path that leads through one: where it ends within the image. */
  leadsTo: FilePath.optional(),
  /** Bytes that are stored; the rest of the file is holes. */
  storedBytes: count.optional(),
  /** Base64. The values of `security.` and `system.` (labels, capabilities, ACLs); of others only the size. */
  attributes: z.array(z.object({ name: z.string(), sizeBytes: count, value: z.string().optional() }))
    .optional(),
});
export type FileDetails = z.infer<typeof FileDetails>;

/** Most entries that a search finds. */
const MAX_FOUND = 1000;

export const FindQuery = z.strictObject({
  ...named,
  /** A part of the name, in any case; with * or ?, a pattern for the whole name. */
  name: text(255).min(1),
  limit: z.coerce.number().int().min(1).max(MAX_FOUND).default(MAX_FOUND),
});
export const FoundFiles = z.object({
  found: z.array(FileView),
  /** There are more. */
  isCut: z.boolean(),
});
export type FoundFiles = z.infer<typeof FoundFiles>;

/** In what an entry differs. `time` is its mtime; `type` comes with `content`. */
export const ChangeKind = z.enum(CHANGE_KINDS);
export type ChangeKind = z.infer<typeof ChangeKind>;

/** How many entries differ in what: one may count several times. */
export const ChangeCounts = z.partialRecord(ChangeKind, count);
export type ChangeCounts = z.infer<typeof ChangeCounts>;

export const DiffRow = z.object({
  name: z.string(),
  path: FilePath,
  type: EntryType,
  /** Absent: the folder itself did not change. */
  change: ImageChange.shape.change.optional(),
  kinds: z.array(ChangeKind),
  bytes: count.optional(),
  /** As of ImageChange. */
  what: z.array(z.string()).optional(),
  /** Others than its owner and group may not read it: it may hold a secret. */
  isPrivate: z.literal(true).optional(),
  /** Of folders: what changed below. */
  below: z.object({ changes: count, counts: ChangeCounts, newBytes: count }).optional(),
});
export type DiffRow = z.infer<typeof DiffRow>;

/** One folder of a diff: what changed in it, and how much below each of its folders. */
export const DiffFolder = z.object({
  path: FilePath,
  changes: count,
  counts: ChangeCounts,
  newBytes: count,
  rows: z.array(DiffRow),
});
export type DiffFolder = z.infer<typeof DiffFolder>;

const KINDS = ChangeKind.options.join(",");
export const DiffFolderQuery = FolderQuery.extend({
  /** Only changes of these kinds, separated by commas. */
  kinds: text(KINDS.length).regex(/^[a-z]+(,[a-z]+)*$/).optional(),
});

export const TextDiff = z.object({
  path: FilePath,
  /** Unified, with three lines of context; "" if nothing differs. */
  diff: z.string(),
  /** The texts are too different to be compared line by line: everything is removed and added. */
  isWhole: z.boolean(),
});
export type TextDiff = z.infer<typeof TextDiff>;
