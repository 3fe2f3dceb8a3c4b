/**
 * One frame on its way from a template to the server, before it is compressed and sealed: the body of
 * `POST /captures/:id/frames`.
 *
 *     0   number of extents n, u32 big-endian
 *     4   n × (SHA-256, 32 bytes; size, u32 big-endian)
 *     …   the extents back to back, at most 4 MiB in all
 */
import { MAX_FRAME_BYTES } from "./sealed.ts";

/** More extents than this do not go into one frame: keeps the table bounded for trees of tiny files. */
export const MAX_FRAME_EXTENTS = 4096;

/** Head and table of the longest upload. */
export const MAX_TABLE_BYTES = 4 + 36 * MAX_FRAME_EXTENTS;
export const MAX_UPLOAD_BYTES = MAX_TABLE_BYTES + MAX_FRAME_BYTES;

export interface UploadedExtent {
  /** 32 bytes; a claim until the receiver has hashed the content. */
  readonly sha256: Uint8Array;
  readonly content: Uint8Array;
}

export function encodeFrameUpload(extents: readonly UploadedExtent[]): Uint8Array {
  let at = 4 + 36 * extents.length;
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
  const start = MAX_TABLE_BYTES - (4 + 36 * extents.length);
  const upload = memory.subarray(start, MAX_TABLE_BYTES + contentBytes);
  writeTable(upload, extents);
  return upload;
}

function writeTable(upload: Uint8Array, extents: readonly UploadedExtent[]): void {
  const view = new DataView(upload.buffer, upload.byteOffset, upload.byteLength);
  view.setUint32(0, extents.length);
  let at = 4;
  for (const { sha256, content } of extents) {
    upload.set(sha256, at);
    view.setUint32(at + 32, content.length);
    at += 36;
  }
}

/** The extents as views into `body`. Throws RangeError where the body is not exactly what it claims. */
export function decodeFrameUpload(body: Uint8Array): UploadedExtent[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body.length < 4) throw new RangeError("frame upload is cut off");
  const count = view.getUint32(0);
  if (count < 1 || count > MAX_FRAME_EXTENTS) throw new RangeError(`frame upload of ${count} extents`);
  let at = 4 + 36 * count;
  if (at > body.length) throw new RangeError("frame upload is cut off");
  if (body.length - at > MAX_FRAME_BYTES) throw new RangeError("frame upload is larger than a frame");
  const extents: UploadedExtent[] = [];
  for (let i = 0, table = 4; i < count; i++, table += 36) {
    const size = view.getUint32(table + 32);
    if (size < 1 || size > body.length - at) throw new RangeError("extent reaches past its upload");
    extents.push({ sha256: body.subarray(table, table + 32), content: body.subarray(at, at + size) });
    at += size;
  }
  if (at !== body.length) throw new RangeError("frame upload has a tail");
  return extents;
}
