/**
 * Integers on the wire (io.c of rsync 3), all little-endian. Protocol 30 introduced the variable forms: the leading
 * ones of the first byte say how many bytes follow beyond the minimum:
 *
 *     first byte  0xxxxxxx  10xxxxxx  110xxxxx  1110xxxx  11110xxx  111110xx  111111xx
 *     more bytes  0         1         2         3         4         5         6
 *
 * The x are the value's highest bits. The bytes after it are the lower ones, lowest first.
 */

/** Where decoders read bytes from. `take` rejects if it cannot deliver all of them. */
export interface ByteSource {
  take(length: number): Promise<Uint8Array>;
}

export class WireError extends Error {
  override readonly name = "WireError";
}

export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

export async function readInt32(source: ByteSource): Promise<number> {
  return viewOf(await source.take(4)).getInt32(0, true);
}

export function shortint(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >> 8);
}

export async function readShortint(source: ByteSource): Promise<number> {
  return viewOf(await source.take(2)).getUint16(0, true);
}

export async function readByte(source: ByteSource): Promise<number> {
  return (await source.take(1))[0] as number;
}

/** A 32-bit integer in variable form. */
export function varint(value: number): Uint8Array {
  return varlong(value >>> 0, 1);
}

export async function readVarint(source: ByteSource): Promise<number> {
  return viewOf(await readVariable(source, { minBytes: 1, maxBytes: 4 })).getInt32(0, true);
}

export function varlong(value: number, minBytes: number): Uint8Array {
  const bytes = new Uint8Array(9);
  viewOf(bytes).setBigInt64(1, BigInt(value), true);
  let count = 8;
  while (count > minBytes && bytes[count] === 0) count--;
  const highest = bytes[count] as number;
  const bit = 1 << (7 - count + minBytes);
  if (highest >= bit) bytes[0] = ~(bit - 1), count++;
  else bytes[0] = count > minBytes ? highest | ~(2 * bit - 1) : highest;
  return bytes.subarray(0, count);
}

export async function readVarlong(source: ByteSource, minBytes: number): Promise<number> {
  return safe(viewOf(await readVariable(source, { minBytes, maxBytes: 8 })).getBigInt64(0, true));
}

/** A size or a sum of sizes. Before protocol 30: 32 bits if they suffice, else −1 and 64 bits. */
export function long(value: number, { protocol }: { protocol: number }): Uint8Array {
  if (protocol >= 30) return varlong(value, 3);
  if (value >= 0 && value <= 0x7fffffff) return int32(value);
  const bytes = new Uint8Array(12).fill(0xff, 0, 4);
  viewOf(bytes).setBigInt64(4, BigInt(value), true);
  return bytes;
}

export async function readLong(source: ByteSource, { protocol }: { protocol: number }): Promise<number> {
  if (protocol >= 30) return await readVarlong(source, 3);
  const short = await readInt32(source);
  return short === -1 ? safe(viewOf(await source.take(8)).getBigInt64(0, true)) : short;
}

/** The value's bytes, lowest first, in an array of nine. */
async function readVariable(
  source: ByteSource,
  { minBytes, maxBytes }: { minBytes: number; maxBytes: number },
): Promise<Uint8Array> {
  const head = await source.take(minBytes);
  const first = head[0] as number;
  const more = Math.min(6, Math.clz32(~(first << 24)));
  const at = minBytes + more - 1;
  const highest = first & ((1 << (8 - more)) - 1);
  if (at > maxBytes || (at === maxBytes && highest !== 0)) throw new WireError("a number is too long");
  const bytes = new Uint8Array(9);
  bytes.set(head.subarray(1));
  if (more > 0) bytes.set(await source.take(more), minBytes - 1);
  bytes[at] = highest;
  return bytes;
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new WireError("a number is too large");
  return number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
