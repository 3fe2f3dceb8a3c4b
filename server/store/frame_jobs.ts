/** What FramePool and its workers (frame_worker.ts) say to each other. */
import type { StoredExtent } from "./extents.ts";

/** Proves an upload (contract/frame_upload.ts), compresses it unless it came so, and seals it. */
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

/** Reads a frame back and proves that it is what was sealed; with `extents`, also that it holds these. */
export interface CheckJob {
  readonly kind: "check";
  readonly path: string;
  readonly at: number;
  readonly sealedBytes: number;
  readonly key: Uint8Array;
  /** What the frame must hold, as `encodeExtents` makes it. */
  readonly extents?: Uint8Array;
}

/** Opens a frame and packs parts of it (zstd), back to back. */
export interface CutJob extends Omit<CheckJob, "kind" | "extents"> {
  readonly kind: "cut";
  /** Offset and size of each part, one after the other. */
  readonly ranges: readonly number[];
}

export interface HashJob {
  readonly kind: "hash";
  readonly path: string;
}

export type Job = UploadJob | SealJob | CheckJob | CutJob | HashJob;

export interface Assignment {
  readonly id: number;
  readonly job: Job;
}

/** `table`: n × (SHA-256, 32 bytes; size, u32 big-endian), proven. */
export interface SealedUpload {
  readonly table: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array;
  readonly rawBytes: number;
}

export type Reply =
  | { readonly kind: "upload" } & SealedUpload
  | { readonly kind: "seal"; readonly sealed: Uint8Array }
  | { readonly kind: "check"; readonly damage: string | undefined }
  | { readonly kind: "cut"; readonly packed: Uint8Array<ArrayBuffer> }
  | { readonly kind: "hash"; readonly sha256: string; readonly sizeBytes: number };

export type Answer = { readonly id: number } & Outcome;

export type Outcome =
  | { readonly ok: true; readonly reply: Reply }
  | { readonly ok: false; readonly message: string; readonly badInput: boolean; readonly code?: string };

const EXTENT_BYTES = 40;

/** n × (SHA-256, 32 bytes; offset and size, u32 big-endian): one buffer is posted faster than many objects. */
export function encodeExtents(extents: readonly StoredExtent[]): Uint8Array {
  const out = new Uint8Array(EXTENT_BYTES * extents.length);
  const view = new DataView(out.buffer);
  extents.forEach(({ sha256, at, sizeBytes }, i) => {
    out.set(sha256, i * EXTENT_BYTES);
    view.setUint32(i * EXTENT_BYTES + 32, at);
    view.setUint32(i * EXTENT_BYTES + 36, sizeBytes);
  });
  return out;
}

export function decodeExtents(bytes: Uint8Array): StoredExtent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / EXTENT_BYTES }, (_, i) => ({
    sha256: bytes.subarray(i * EXTENT_BYTES, i * EXTENT_BYTES + 32),
    at: view.getUint32(i * EXTENT_BYTES + 32),
    sizeBytes: view.getUint32(i * EXTENT_BYTES + 36),
  }));
}
