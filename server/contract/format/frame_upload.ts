/**
 * One frame on its way from a template to the server, before it is sealed: the body of
 * `POST /captures/:id/frames`.
 *
 *     0   number of extents n, u32 big-endian; its highest bit is set if the contents are packed
 *     4   table of n extents (extent_table.ts)
 *     …   contents: the extents back to back, at most 4 MiB in all; packed: zstd of them (RFC 8878), always shorter
 *
 * The server checks that packed contents match their table and stores them as they came, so that each frame is
 * compressed once.
 */
import { EXTENT_ROW_BYTES, extentRows, viewOf, writeExtentRow } from "./extent_table.ts";
import { MAX_FRAME_BYTES } from "./sealed.ts";

/** Extents in one frame: bounds the table for trees of tiny files. */
export const MAX_FRAME_EXTENTS = 4096;

const COUNT_BYTES = 4;
/** Count and table of the longest upload. */
export const MAX_TABLE_BYTES = COUNT_BYTES + EXTENT_ROW_BYTES * MAX_FRAME_EXTENTS;
export const MAX_UPLOAD_BYTES = MAX_TABLE_BYTES + MAX_FRAME_BYTES;
const PACKED = 0x80000000;

export interface UploadedExtent {
  /** 32 bytes; a claim until the receiver has hashed the content. */
  readonly sha256: Uint8Array;
  readonly content: Uint8Array;
}

/** Views into an upload. */
interface FrameUpload {
  readonly table: Uint8Array;
  /** The extents back to back, or zstd of them. */
  readonly contents: Uint8Array;
  readonly isPacked: boolean;
  /** Sum of the extents' sizes. */
  readonly rawBytes: number;
}

/**
 * The upload of these extents, not packed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { createHash } from "node:crypto";
 * import { encodeFrameUpload, parseFrameUpload, uploadedExtents } from "#contract/format/frame_upload.ts";
 *
 * const content = new TextEncoder().encode("hello");
 * const sha256 = new Uint8Array(createHash("sha256").update(content).digest());
 * const upload = parseFrameUpload(encodeFrameUpload([{ sha256, content }]));
 * assert.deepEqual(uploadedExtents(upload, upload.contents), [{ sha256, content }]);
 * ```
 */
export function encodeFrameUpload(extents: readonly UploadedExtent[]): Uint8Array {
  let at = COUNT_BYTES + EXTENT_ROW_BYTES * extents.length;
  const out = new Uint8Array(extents.reduce((sum, e) => sum + e.content.length, at));
  for (const { content } of extents) {
    out.set(content, at);
    at += content.length;
  }
  writeTable(out, extents);
  return out;
}

/**
 * As `encodeFrameUpload`, for contents that are back to back in `memory` already, from MAX_TABLE_BYTES on: writes the
 * table in front of them and returns the view that is the upload.
 */
export function encodeFrameUploadIn(
  memory: Uint8Array<ArrayBuffer>,
  extents: readonly UploadedExtent[],
): Uint8Array<ArrayBuffer> {
  const contentBytes = extents.reduce((sum, e) => sum + e.content.length, 0);
  const start = MAX_TABLE_BYTES - (COUNT_BYTES + EXTENT_ROW_BYTES * extents.length);
  const upload = memory.subarray(start, MAX_TABLE_BYTES + contentBytes);
  writeTable(upload, extents);
  return upload;
}

function writeTable(upload: Uint8Array, extents: readonly UploadedExtent[]): void {
  viewOf(upload).setUint32(0, extents.length);
  const table = upload.subarray(COUNT_BYTES);
  extents.forEach(({ sha256, content }, i) =>
    writeExtentRow(table, i, { sha256, sizeBytes: content.length })
  );
}

/** The same upload with its contents packed by `pack` (zstd), or unchanged if that makes them no smaller. */
export async function packFrameUpload(
  upload: Uint8Array<ArrayBuffer>,
  pack: (contents: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { table, contents } = parseFrameUpload(upload);
  const packed = await pack(contents);
  if (packed.length >= contents.length) return upload;
  const out = new Uint8Array(COUNT_BYTES + table.length + packed.length);
  viewOf(out).setUint32(0, PACKED + table.length / EXTENT_ROW_BYTES);
  out.set(table, COUNT_BYTES);
  out.set(packed, COUNT_BYTES + table.length);
  return out;
}

/** Throws RangeError if the body is malformed, as far as that shows without unpacking it. */
export function parseFrameUpload(body: Uint8Array): FrameUpload {
  if (body.length < COUNT_BYTES) throw new RangeError("frame upload is cut off");
  const head = viewOf(body).getUint32(0);
  const isPacked = head >= PACKED, count = isPacked ? head - PACKED : head;
  if (count < 1 || count > MAX_FRAME_EXTENTS) throw new RangeError(`frame upload of ${count} extents`);
  const end = COUNT_BYTES + EXTENT_ROW_BYTES * count;
  if (end > body.length) throw new RangeError("frame upload is cut off");
  const table = body.subarray(COUNT_BYTES, end), contents = body.subarray(end);
  let rawBytes = 0;
  for (const { sizeBytes } of extentRows(table)) {
    if (sizeBytes < 1) throw new RangeError("frame upload has an empty extent");
    rawBytes += sizeBytes;
  }
  if (rawBytes > MAX_FRAME_BYTES) throw new RangeError("frame upload is larger than a frame");
  if (isPacked ? contents.length >= rawBytes : contents.length !== rawBytes) {
    throw new RangeError("frame upload is cut off or has a tail");
  }
  return { table, contents, isPacked, rawBytes };
}

/** The extents as views into `raw`, the unpacked contents. */
export function uploadedExtents({ table }: FrameUpload, raw: Uint8Array): UploadedExtent[] {
  let at = 0;
  return Array.from(extentRows(table), ({ sha256, sizeBytes }) => {
    return { sha256, content: raw.subarray(at, at += sizeBytes) };
  });
}
