/**
 * Scattered extents of a version, cut out of their frames for one node: request and answer of `POST /node/extents`.
 * They are not sealed, only inside TLS; the node checks every extent against the SHA-256 in its manifest.
 *
 * The answer, for each frame of the request in its order:
 *
 *     0   length n of what follows, u32 big-endian
 *     4   zstd of the wanted extents back to back, n bytes, at most 4 MiB when opened
 */
import { z } from "zod";
import { zstdDecompressSync } from "node:zlib";
import { MAX_FRAME_EXTENTS } from "./frame_upload.ts";
import { MAX_FRAME_BYTES } from "./sealed.ts";

/** Most frames in one request; bounds what the server opens for it. */
export const MAX_CUT_FRAMES = 32;

const number = z.int().min(0).max(2 ** 31);

export const ExtentRequest = z.object({
  /** Numbers of frames of the version and, in each, of the wanted extents. */
  frames: z.array(z.object({
    frame: number,
    extents: z.array(number).min(1).max(MAX_FRAME_EXTENTS),
  })).min(1).max(MAX_CUT_FRAMES),
});
export type ExtentRequest = z.infer<typeof ExtentRequest>;

const HEAD_BYTES = 4;

export function encodeCut(packed: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HEAD_BYTES + packed.length);
  new DataView(out.buffer).setUint32(0, packed.length);
  out.set(packed, HEAD_BYTES);
  return out;
}

/** The cuts of an answer as they arrive, still packed. Throws RangeError if it is malformed or too long. */
export async function* decodeCuts(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // nothing is allocated for a length that is only claimed
  let parts: Uint8Array[] = [], have = 0, wanted = HEAD_BYTES, isHead = true;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + wanted - have);
      parts.push(part);
      have += part.length;
      at += part.length;
      if (have < wanted) break;
      const whole = new Uint8Array(Buffer.concat(parts));
      if (!isHead) yield whole;
      wanted = isHead ? cutBytes(whole) : HEAD_BYTES;
      isHead = !isHead;
      parts = [];
      have = 0;
    }
  }
  if (!isHead || have > 0) throw new RangeError("the answer is cut off");
}

/** The length of the cut after this head. */
function cutBytes(head: Uint8Array<ArrayBuffer>): number {
  const length = new DataView(head.buffer).getUint32(0);
  if (length === 0) throw new RangeError("a cut is empty");
  // incompressible bytes grow a little
  if (length > MAX_FRAME_BYTES + (1 << 16)) throw new RangeError("a cut is larger than a frame");
  return length;
}

/** The extents of one cut. `sizes`: those that the manifest gives. Throws if the cut holds anything else. */
export function openCut(packed: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const raw = zstdDecompressSync(packed, { chunkSize: Math.max(total, 1024), maxOutputLength: total || 1 });
  if (raw.length !== total) throw new RangeError("a cut has another length than its extents");
  let at = 0;
  return sizes.map((size) => raw.subarray(at, at += size));
}
