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
export const MAX_UPLOAD_BYTES = 4 + 36 * MAX_FRAME_EXTENTS + MAX_FRAME_BYTES;

export interface UploadedExtent {
  /** 32 bytes; a claim until the receiver has hashed the content. */
  readonly sha256: Uint8Array;
  readonly content: Uint8Array;
}

export function encodeFrameUpload(extents: readonly UploadedExtent[]): Uint8Array {
  const size = extents.reduce((sum, e) => sum + e.content.length, 4 + 36 * extents.length);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, extents.length);
  let table = 4, at = 4 + 36 * extents.length;
  for (const { sha256, content } of extents) {
    out.set(sha256, table);
    view.setUint32(table + 32, content.length);
    out.set(content, at);
    table += 36;
    at += content.length;
  }
  return out;
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
