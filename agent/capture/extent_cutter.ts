/**
 * Cuts a large file by content (gear hash with FastCDC's normalization, USENIX ATC 2016): after an insertion only the
 * extents around it are new. The table and the masks decide where cuts fall; changing them would make every image
 * transfer its large files once in full.
 */
import { MAX_EXTENT_BYTES } from "#contract/format/entry.ts";

export const MIN_CUT_BYTES = 512 << 10;
/** Cuts are four times rarer than average before this size, and four times more frequent after it. */
const NORMAL_CUT_BYTES = 1 << 20;
const EARLY_MASK = topBits(22);
const LATE_MASK = topBits(18);

function topBits(count: number): number {
  return ((2 ** count - 1) * 2 ** (32 - count)) | 0;
}

/** 256 numbers from xorshift32 with a fixed seed; signed, as the hash is, which saves the loop a conversion. */
const GEAR = gearTable();
function gearTable(): Int32Array {
  const table = new Int32Array(256);
  let state = 0x12345678;
  for (let i = 0; i < 256; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    table[i] = state;
  }
  return table;
}

/** Length of the first extent of `bytes`, which hold at least MAX_EXTENT_BYTES or the rest of the file. */
function cutLength(bytes: Uint8Array): number {
  // |0: the compiler takes an imported or exported number for floating-point, at twice the time for each byte
  const end = Math.min(bytes.length, MAX_EXTENT_BYTES) | 0;
  const normal = Math.min(end, NORMAL_CUT_BYTES) | 0;
  let hash = 0, at = MIN_CUT_BYTES | 0;
  for (; at < normal; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if ((hash & EARLY_MASK) === 0) return at + 1;
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + (GEAR[bytes[at] as number] as number)) | 0;
    if ((hash & LATE_MASK) === 0) return at + 1;
  }
  return end;
}

/**
 * Cuts a stream of bytes: write into `room`, report the size to `filled`, then take extents from `next`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { MAX_EXTENT_BYTES } from "#contract/format/entry.ts";
 *
 * const cutter = new ExtentCutter(), sizes: number[] = [];
 * cutter.room().fill(0, 0, 5 << 20);
 * cutter.filled(5 << 20);
 * for (let cut; (cut = cutter.next({ last: true })) !== undefined;) sizes.push(cut.length);
 * assert.deepEqual(sizes, [MAX_EXTENT_BYTES, 1 << 20]);
 * ```
 */
export class ExtentCutter {
  readonly #buffer = new Uint8Array(4 * MAX_EXTENT_BYTES);
  #start = 0;
  #end = 0;

  /** Free space, never empty once `next` has returned undefined. Valid until the next call. */
  room(): Uint8Array {
    if (this.#end > this.#buffer.length / 2) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#buffer.subarray(this.#end);
  }

  filled(sizeBytes: number): void {
    this.#end += sizeBytes;
  }

  /**
   * Returns the next extent, or undefined if more bytes are needed. `last`: no more bytes will follow. The view is
   * valid until the next call of `room`.
   */
  next({ last }: { last: boolean }): Uint8Array | undefined {
    const held = this.#end - this.#start;
    if (held === 0 || (!last && held < MAX_EXTENT_BYTES)) return undefined;
    const start = this.#start;
    this.#start += cutLength(this.#buffer.subarray(start, this.#end));
    return this.#buffer.subarray(start, this.#start);
  }
}
