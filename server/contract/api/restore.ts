/**
 * Restores: a node's disk is made to match an image, and only what differs is fetched.
 */
import { z } from "zod";
import { AbsolutePath } from "../identity.ts";
import { OwnPaths } from "../own_files/own_path.ts";
import { Threshold } from "./checks.ts";

const KeepPaths = z.array(AbsolutePath).max(100);

export const RestoreTerms = z.object({
  /** Paths that are left alone, with everything below them, if they exist. */
  keep: KeepPaths,
  /** Only report what would change. */
  dryRun: z.boolean(),
  /**
   * How a file is checked. "content": always by its SHA-256. Absent: on a sound file system, a file that has not been
   * touched since it was installed counts as unchanged, except that a sample of those is checked by a checksum.
   */
  check: z.enum(["content"]).optional(),
});
export type RestoreTerms = z.infer<typeof RestoreTerms>;

/** The restore in a node's order. */
export const RestoreOrder = RestoreTerms.extend({
  /** Nodes of the batch that restore: what many of them need is better fetched from the swarm. */
  nodes: z.int().min(1),
});
export type RestoreOrder = z.infer<typeof RestoreOrder>;

/** Settings for all versions of an image. */
export const ImageSettings = z.object({
  /** Kept in every restore to one of its versions. */
  keep: KeepPaths.optional(),
  /** Paths that belong to a single machine: removed from clones, and left alone by restores. */
  own: OwnPaths.optional(),
  /** A node with more differences than this has drifted (checks.ts); absent: 0. */
  driftThreshold: Threshold.optional(),
  /**
   * What a deployment does with a version that no rehearsal has proved: "require" refuses it, "warn" warns, "off" says
   * nothing. Absent: it warns if the version failed, or if another version of the image was rehearsed.
   */
  rehearsal: z.enum(["require", "warn", "off"]).optional(),
});
export type ImageSettings = z.infer<typeof ImageSettings>;
