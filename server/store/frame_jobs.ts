/** Messages between FramePool and its workers (frame_worker.ts). */
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import type { StoredExtent } from "./extents.ts";

/** Checks an upload (contract/format/frame_upload.ts), compresses it unless it is packed, and seals it. */
export interface UploadJob {
  readonly kind: "upload";
  readonly body: Uint8Array;
  readonly key: Uint8Array;
  readonly level: number;
}

/** Compresses and seals bytes as one unit. */
export interface SealJob {
  readonly kind: "seal";
  readonly raw: Uint8Array;
  readonly key: Uint8Array;
  readonly level: number;
}

/** A frame on the disk. */
interface FramePlace {
  readonly path: string;
  readonly at: number;
  readonly sealedBytes: number;
  readonly key: Uint8Array;
}

/** Reads a frame back and checks that it is what was sealed and that it holds these extents. */
export interface CheckJob extends FramePlace {
  readonly kind: "check";
  /** From `encodeExtents`. */
  readonly extents: Uint8Array;
}

/** Reads a stretch of a pack back, once: checks that each frame is what was sealed, and continues the pack's hash. */
export interface ProofJob {
  readonly kind: "proof";
  readonly path: string;
  readonly key: Uint8Array;
  /** The stretch; its frames are in it, in order. */
  readonly from: number;
  readonly to: number;
  readonly frames: readonly { readonly at: number; readonly sealedBytes: number }[];
  /** The hash of what is before the stretch (NativeSha256Steps); absent if this thread cannot continue it. */
  readonly hash: Uint8Array | undefined;
}

/** Opens a frame and packs parts of it (zstd), back to back. */
export interface CutJob extends FramePlace {
  readonly kind: "cut";
  /** Offset and size of each part, in turn. */
  readonly ranges: readonly number[];
}

export interface HashJob {
  readonly kind: "hash";
  readonly path: string;
}

export type Job = UploadJob | SealJob | CheckJob | ProofJob | CutJob | HashJob;

export interface Assignment {
  readonly id: number;
  readonly job: Job;
}

export interface SealedUpload {
  /** The frame's extents (contract/format/extent_table.ts), checked against the contents. */
  readonly table: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array;
  readonly rawBytes: number;
}

export interface Proof {
  /** Numbers of the frames that are not what was sealed, or where the pack has ended. */
  readonly damaged: readonly number[];
  /** The hash up to the end of the stretch, as in the job. */
  readonly hash: Uint8Array | undefined;
}

export type Reply =
  | { readonly kind: "upload" } & SealedUpload
  | { readonly kind: "seal"; readonly sealed: Uint8Array }
  | { readonly kind: "check"; readonly damage: string | undefined }
  | { readonly kind: "proof" } & Proof
  | { readonly kind: "cut"; readonly packed: Uint8Array<ArrayBuffer> }
  | { readonly kind: "hash"; readonly sha256: string; readonly sizeBytes: number };

export type Answer = { readonly id: number } & Outcome;

export type Outcome =
  | { readonly ok: true; readonly reply: Reply }
  | { readonly ok: false; readonly message: string; readonly badInput: boolean; readonly code?: string };

const AT = SHA256_BYTES, SIZE = AT + 4, STORED_EXTENT_BYTES = SIZE + 4;

/** n × (SHA-256; offset and size, u32 big-endian): one buffer is posted faster than many objects. */
export function encodeExtents(extents: readonly StoredExtent[]): Uint8Array {
  const out = new Uint8Array(STORED_EXTENT_BYTES * extents.length);
  const view = new DataView(out.buffer);
  extents.forEach(({ sha256, at, sizeBytes }, i) => {
    const row = i * STORED_EXTENT_BYTES;
    out.set(sha256, row);
    view.setUint32(row + AT, at);
    view.setUint32(row + SIZE, sizeBytes);
  });
  return out;
}

export function decodeExtents(bytes: Uint8Array): StoredExtent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / STORED_EXTENT_BYTES }, (_, i) => {
    const row = i * STORED_EXTENT_BYTES;
    return {
      sha256: bytes.subarray(row, row + SHA256_BYTES),
      at: view.getUint32(row + AT),
      sizeBytes: view.getUint32(row + SIZE),
    };
  });
}
