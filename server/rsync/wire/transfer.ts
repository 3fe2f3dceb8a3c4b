/** One file's transfer: what the receiver asks for, and what the sender answers (rsync's sender.c, match.c). */
import { type ByteSource, readInt32, WireError } from "./integers.ts";

/** Bits of the two bytes that follow a file's number since protocol 29. */
export const ITEM = {
  basisFollows: 1 << 11,
  nameFollows: 1 << 12,
  isNew: 1 << 13,
  transfer: 1 << 15,
} as const;

/** Sums of blocks that the receiver has of an older file: so many, so long, and how long the last one is. */
interface SumHead {
  readonly count: number;
  readonly blockBytes: number;
  readonly sumBytes: number;
  readonly lastBytes: number;
}

/** "I have no blocks" from a receiver, "I used none" from a sender: four ints. */
export const NO_SUMS = new Uint8Array(16);

const MAX_BLOCK_BYTES = 1 << 29;
const MAX_SUM_BYTES = 16;

export async function readSumHead(source: ByteSource): Promise<SumHead> {
  const [count, blockBytes] = [await readInt32(source), await readInt32(source)];
  const [sumBytes, lastBytes] = [await readInt32(source), await readInt32(source)];
  const good = count >= 0 && blockBytes >= 0 && blockBytes <= MAX_BLOCK_BYTES && sumBytes >= 0 &&
    sumBytes <= MAX_SUM_BYTES && lastBytes >= 0 && lastBytes <= blockBytes;
  if (!good) throw new WireError("the sums of blocks are out of range");
  return { count, blockBytes, sumBytes, lastBytes };
}

/** A file's bytes that come as they are: ints with the lengths of what follows, up to 0. */
export async function readLiterals(
  source: ByteSource,
  { sizeBytes }: { sizeBytes: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0;;) {
    const length = await readInt32(source);
    if (length === 0 && at === sizeBytes) return bytes;
    if (length <= 0 || length > sizeBytes - at) {
      throw new WireError("the file has another length than the list said");
    }
    bytes.set(await source.take(length), at);
    at += length;
  }
}
