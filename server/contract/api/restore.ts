/**
 * What operator, server and nodes say of a restore: the disk is made as an image has it, and only what differs is
 * fetched. Part of the API (api.ts).
 */
import { z } from "zod";
import { AbsolutePath } from "../identity.ts";
import { OwnPaths } from "../own_files/own_path.ts";

const KeepPaths = z.array(AbsolutePath).max(100);

export const RestoreTerms = z.object({
  /** Left alone with all that lies below, where they are there. */
  keep: KeepPaths,
  /** Only tells what would change. */
  dryRun: z.boolean(),
  /**
   * What a file is believed by: "content", its SHA-256, always; else, where its file system is sound, also by its
   * not having been touched since it was installed, and a sample of those by a checksum.
   */
  check: z.enum(["content"]).optional(),
});
export type RestoreTerms = z.infer<typeof RestoreTerms>;

/** As a node's agent is ordered it. */
export const RestoreOrder = RestoreTerms.extend({
  /** How many nodes of the batch restore: what many of them fetch is better had from the swarm. */
  nodes: z.int().min(1),
});
export type RestoreOrder = z.infer<typeof RestoreOrder>;

/** What an operator sets for all versions of an image. */
export const ImageSettings = z.object({
  /** Kept in every restore to one of its versions. */
  keep: KeepPaths.optional(),
  /** Each node's own: removed from clones, and left alone by restores. */
  own: OwnPaths.optional(),
});
export type ImageSettings = z.infer<typeof ImageSettings>;
