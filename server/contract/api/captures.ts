/** Templates and captures. */
import { z } from "zod";
import { Sha256Hex } from "../format/sha256.ts";
import { RestartAbility } from "./restarts.ts";
import { Hook } from "./hooks.ts";
import { DiskLayout } from "../format/layout.ts";
import { ImageName, Source } from "../format/manifest.ts";
import { count, id, MachineName, ProblemSchema, text, time } from "./fields.ts";
import { PageQuery } from "./pages.ts";

export const TemplateAnnouncement = z.object({
  name: MachineName,
  source: Source.optional(),
  layout: DiskLayout.optional(),
  /** What is missing on the machine to rebuild it, with the package's name. */
  lacks: z.array(text(400)).max(100),
  /** Of a node's own agent; those of earlier releases do not say. */
  restart: RestartAbility.optional(),
});
export type TemplateAnnouncement = z.infer<typeof TemplateAnnouncement>;

export const TemplateView = TemplateAnnouncement.extend({
  id,
  address: text(64),
  online: z.boolean(),
  seen: time,
});
export type TemplateView = z.infer<typeof TemplateView>;
export const TemplateId = TemplateView.pick({ id: true });

/** The compression level of zstd. */
const Level = z.int().min(1).max(19);

export const CaptureRequest = z.object({
  /** A template's name or id; absent for an import, whose client sends the content itself. */
  template: z.string().optional(),
  image: ImageName,
  level: Level.default(9),
  excludes: z.array(text(4095)).max(10_000).default([]),
  /** Also a machine whose clones could not be rebuilt: the version then serves for directories only. */
  force: z.boolean().optional(),
});
export type CaptureRequest = z.input<typeof CaptureRequest>;

/** Settings of a node's backup. */
export const BackupRequest = CaptureRequest.pick({ level: true, excludes: true });
export type BackupRequest = z.input<typeof BackupRequest>;

export const CaptureOrder = z.object({
  capture: id,
  image: ImageName,
  /** Patterns in addition to the default ones; see agent/tree/excludes.ts. */
  excludes: z.array(text(4095)),
  /** They run before and after the capture, in this order. */
  hooks: z.array(Hook).optional(),
  /**
   * The capture that the image's newest version came from. An agent that remembers its entries may send only the
   * changes since (entry_changes.ts).
   */
  parent: id.optional(),
  /** For contents, whichever side compresses them. */
  level: Level,
  /** A node's backup of itself. */
  isBackup: z.boolean().optional(),
  /** As in CaptureRequest. */
  force: z.boolean().optional(),
});
export type CaptureOrder = z.infer<typeof CaptureOrder>;

export const CaptureProgress = z.object({
  phase: z.enum(["walking", "reading", "finishing"]),
  filesDone: count,
  filesTotal: count,
  bytesDone: count,
  bytesTotal: count,
  /** Bytes that had to be sent because the server did not have them. */
  bytesSent: count,
});
export type CaptureProgress = z.infer<typeof CaptureProgress>;

/** Path of a part of the entries. */
export const EntriesPart = z.object({ part: z.string().regex(/^[0-9]{1,9}$/) });

/** Completes a capture. `entries`: their number in all parts. */
export const CaptureHeader = z.object({
  source: Source.optional(),
  layout: DiskLayout.optional(),
  excludes: z.array(text(4095)).max(10_000),
  notes: z.array(text(8191)).max(10_000),
  entries: count,
  /**
   * SHA-256 of the lines of all entries, each with its LF, in hexadecimal. Required if they were sent as changes: it
   * proves that both ends used the same parent.
   */
  sha256: Sha256Hex.optional(),
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
  /** The server's current work while it publishes ("verifying frames"). */
  activity: text(200).optional(),
  /** The version's number once it is published. */
  version: z.int().optional(),
  notes: z.array(text(8191)),
  problem: ProblemSchema.optional(),
});
export type CaptureView = z.infer<typeof CaptureView>;

export const CaptureQuery = PageQuery.extend({
  state: CaptureView.shape.state.optional(),
  image: ImageName.optional(),
});
