/** Where the packs of images are: on the server's disk, or in a bucket with the disk as a cache. */
import { z } from "zod";

const bytes = z.int().min(0), count = z.int().min(0);

export const PackStoreView = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("local") }),
  z.object({
    kind: z.literal("s3"),
    /** "s3://BUCKET/PREFIX" */
    url: z.string(),
    /** Where all packs are to be in the end. */
    home: z.enum(["bucket", "local"]),
    /** Why the last attempt failed; absent while the bucket answers. */
    problem: z.string().optional(),
    objects: count,
    objectBytes: bytes,
    /** Of published versions, on the local disk. */
    localBytes: bytes,
    /** The limit of packs on the local disk; absent: none. */
    cacheBytes: bytes.optional(),
    /** Files that are still to be stored in the bucket. */
    waiting: count,
    waitingBytes: bytes,
    /** Objects that the bucket refused to remove. */
    refused: z.array(z.object({ key: z.string(), reason: z.string() })),
    /** Objects that the bucket lost, and of which the server has no copy. */
    lost: z.array(z.string()),
    /** Nothing is left to do. */
    isSettled: z.boolean(),
  }),
]);
export type PackStoreView = z.infer<typeof PackStoreView>;

export const PackStoreMove = z.strictObject({ home: z.enum(["bucket", "local"]) });
export type PackStoreMove = z.infer<typeof PackStoreMove>;
