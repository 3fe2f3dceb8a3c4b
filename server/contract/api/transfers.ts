/** Versions that are pushed to an OCI registry, or pulled from one. */
import { z } from "zod";
import { id, ProblemSchema, time } from "./fields.ts";
import { ImageName } from "../format/manifest.ts";
import { RegistryName } from "../registry_reference.ts";

const bytes = z.int().min(0);

/**
 * What another server needs to use versions of an image: the key that opens them, and the public key of the server that
 * signed them. It opens every version of the image.
 */
export const ImageKey = z.strictObject({
  format: z.literal("rackseed-image-key"),
  image: ImageName,
  /** Base64. */
  key: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
  /** SPKI PEM. */
  publicKey: z.string().max(1000).regex(/^-----BEGIN PUBLIC KEY-----/),
});
export type ImageKey = z.infer<typeof ImageKey>;

export const PushRequest = z.strictObject({
  /** REGISTRY/REPOSITORY:TAG */
  to: RegistryName,
});
export type PushRequest = z.infer<typeof PushRequest>;

export const PullRequest = z.strictObject({
  /** REGISTRY/REPOSITORY:TAG, or with @DIGEST. */
  from: RegistryName,
  /** Absent: this server has the image's key, and signed the version itself. */
  key: ImageKey.optional(),
});
export type PullRequest = z.infer<typeof PullRequest>;

export const TransferView = z.object({
  id,
  kind: z.enum(["push", "pull"]),
  /** The artifact, REGISTRY/REPOSITORY:TAG. */
  artifact: z.string(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  /** What it is doing now. */
  activity: z.string(),
  /** NAME@VERSION; absent until a pull has read its manifest. */
  image: z.string().optional(),
  started: time,
  ended: time.optional(),
  bytesDone: bytes,
  bytesTotal: bytes,
  /** Of bytesDone: what the other side had already. */
  bytesSkipped: bytes,
  /** "sha256:…" of the artifact's manifest, once it is known. */
  digest: z.string().optional(),
  problem: ProblemSchema.optional(),
});
export type TransferView = z.infer<typeof TransferView>;

export type TransferProgress = Pick<TransferView, "activity" | "bytesDone" | "bytesTotal" | "bytesSkipped">;
