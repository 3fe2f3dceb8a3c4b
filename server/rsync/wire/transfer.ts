/** The transfer of one file: the receiver's request and the sender's answer (rsync's sender.c, match.c). */
import { type ByteSource, readInt32, WireError } from "./integers.ts";

/** Flags in the two bytes that follow a file's number since protocol 29. */
export const ITEM = {
  basisFollows: 1 << 11,
  nameFollows: 1 << 12,
  isNew: 1 << 13,
  transfer: 1 << 15,
} as const;

/** Describes the block checksums that the receiver has of an older file: their number and lengths. */
interface SumHead {
  readonly count: number;
  readonly blockBytes: number;
  readonly sumBytes: number;
  readonly lastBytes: number;
}

/** "I have no blocks" from a receiver, "I used none" from a sender: four zeros (int). */
export const NO_SUMS = new Uint8Array(16);

const MAX_BLOCK_BYTES = 1 << 29;
const MAX_SUM_BYTES = 16;

export async function readSumHead(source: ByteSource): Promise<SumHead> {
  const [count, blockBytes] = [await readInt32(source), await readInt32(source)];
  const [sumBytes, lastBytes] = [await readInt32(source), await readInt32(source)];
  const good = count >= 0 && blockBytes >= 0 && blockBytes <= MAX_BLOCK_BYTES && sumBytes >= 0 &&
    sumBytes <= MAX_SUM_BYTES && lastBytes >= 0 && lastBytes <= blockBytes;
  if (!good) throw new WireError("the block checksums are out of range");
  return { count, blockBytes, sumBytes, lastBytes };
}

/** Reads a file's bytes sent uncompressed: chunks, each after its length (int), and a length of 0 at the end. */
export async function readLiterals(
  source: ByteSource,
  { sizeBytes }: { sizeBytes: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 0;;) {
    const length = await readInt32(source);
    if (length === 0 && at === sizeBytes) return bytes;
    if (length <= 0 || length > sizeBytes - at) {
      throw new WireError("the file's length is not the one in the list");
    }
    bytes.set(await source.take(length), at);
    at += length;
  }
}
