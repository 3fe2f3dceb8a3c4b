/**
 * One frame on its way from a template to the server, before it is sealed: the body of
 * `POST /captures/:id/frames`.
 *
 *     0   number of extents n, u32 big-endian; its highest bit is set where the contents are packed
 *     4   n × (SHA-256, 32 bytes; size, u32 big-endian)
 *     …   the extents back to back, at most 4 MiB in all; packed: fewer bytes, zstd of them (RFC 8878)
 *
 * What came packed is stored as it came, once it is proven to be what its table says: nobody packs it twice.
 */
import { MAX_FRAME_BYTES } from "./sealed.ts";

/** More extents than this do not go into one frame: keeps the table bounded for trees of tiny files. */
export const MAX_FRAME_EXTENTS = 4096;

const EXTENT_BYTES = 36;
/** Head and table of the longest upload. */
export const MAX_TABLE_BYTES = 4 + EXTENT_BYTES * MAX_FRAME_EXTENTS;
export const MAX_UPLOAD_BYTES = MAX_TABLE_BYTES + MAX_FRAME_BYTES;
const PACKED = 0x80000000;

export interface UploadedExtent {
  /** 32 bytes; a claim until the receiver has hashed the content. */
  readonly sha256: Uint8Array;
  readonly content: Uint8Array;
}

/** Views into an upload. */
interface FrameUpload {
  /** n × (SHA-256, 32 bytes; size, u32 big-endian). */
  readonly table: Uint8Array;
  /** The extents back to back, or zstd of them. */
  readonly contents: Uint8Array;
  readonly isPacked: boolean;
  /** Of the extents together. */
  readonly rawBytes: number;
}

export function encodeFrameUpload(extents: readonly UploadedExtent[]): Uint8Array {
  let at = 4 + EXTENT_BYTES * extents.length;
  const out = new Uint8Array(extents.reduce((sum, e) => sum + e.content.length, at));
  for (const { content } of extents) {
    out.set(content, at);
    at += content.length;
  }
  writeTable(out, extents);
  return out;
}

/**
 * As `encodeFrameUpload`, of contents that lie back to back in `memory` already, from MAX_TABLE_BYTES on: writes
 * the table before them and returns the view that is the upload.
 */
export function encodeFrameUploadIn(
  memory: Uint8Array<ArrayBuffer>,
  extents: readonly UploadedExtent[],
): Uint8Array<ArrayBuffer> {
  const contentBytes = extents.reduce((sum, e) => sum + e.content.length, 0);
  const start = MAX_TABLE_BYTES - (4 + EXTENT_BYTES * extents.length);
  const upload = memory.subarray(start, MAX_TABLE_BYTES + contentBytes);
  writeTable(upload, extents);
  return upload;
}

function writeTable(upload: Uint8Array, extents: readonly UploadedExtent[]): void {
  const view = viewOf(upload);
  view.setUint32(0, extents.length);
  let at = 4;
  for (const { sha256, content } of extents) {
    upload.set(sha256, at);
    view.setUint32(at + 32, content.length);
    at += EXTENT_BYTES;
  }
}

/** The same upload with its contents packed by `pack` (zstd); as it is where that makes them no smaller. */
export async function packFrameUpload(
  upload: Uint8Array<ArrayBuffer>,
  pack: (contents: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { table, contents } = parseFrameUpload(upload);
  const packed = await pack(contents);
  if (packed.length >= contents.length) return upload;
  const out = new Uint8Array(4 + table.length + packed.length);
  viewOf(out).setUint32(0, PACKED + table.length / EXTENT_BYTES);
  out.set(table, 4);
  out.set(packed, 4 + table.length);
  return out;
}

/** Throws RangeError where the body is not what it claims, as far as can be told without unpacking it. */
export function parseFrameUpload(body: Uint8Array): FrameUpload {
  if (body.length < 4) throw new RangeError("frame upload is cut off");
  const head = viewOf(body).getUint32(0);
  const isPacked = head >= PACKED, count = isPacked ? head - PACKED : head;
  if (count < 1 || count > MAX_FRAME_EXTENTS) throw new RangeError(`frame upload of ${count} extents`);
  const end = 4 + EXTENT_BYTES * count;
  if (end > body.length) throw new RangeError("frame upload is cut off");
  const table = body.subarray(4, end), contents = body.subarray(end);
  let rawBytes = 0;
  for (const { sizeBytes } of rowsOf(table)) {
    if (sizeBytes < 1) throw new RangeError("frame upload has an empty extent");
    rawBytes += sizeBytes;
  }
  if (rawBytes > MAX_FRAME_BYTES) throw new RangeError("frame upload is larger than a frame");
  if (isPacked ? contents.length >= rawBytes : contents.length !== rawBytes) {
    throw new RangeError("frame upload is cut off or has a tail");
  }
  return { table, contents, isPacked, rawBytes };
}

/** The extents as views into `raw`, which are the contents unpacked. */
export function uploadedExtents({ table }: FrameUpload, raw: Uint8Array): UploadedExtent[] {
  let at = 0;
  return Array.from(rowsOf(table), ({ sha256, sizeBytes }) => {
    return { sha256, content: raw.subarray(at, at += sizeBytes) };
  });
}

function* rowsOf(table: Uint8Array): Generator<{ sha256: Uint8Array; sizeBytes: number }> {
  const view = viewOf(table);
  for (let at = 0; at < table.length; at += EXTENT_BYTES) {
    yield { sha256: table.subarray(at, at + 32), sizeBytes: view.getUint32(at + 32) };
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
