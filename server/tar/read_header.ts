/**
 * The 512-byte header of a tar member: POSIX.1-2017 "pax", ustar interchange format, and the GNU tar manual,
 * "Basic Tar Format".
 *
 *       0 name 100      108 uid 8      136 mtime 12      157 linkname 100     329 devmajor 8    345 prefix 155
 *     100 mode 8        116 gid 8      148 checksum 8    257 magic 6          337 devminor 8
 *     124 size 12                      156 typeflag
 *
 * Old GNU ("ustar  \0"), instead of the prefix: 386 four of (offset 12, size 12), 482 isextended, 483 realsize 12.
 */
import type { BytePath } from "#contract/format/byte_path.ts";

export const BLOCK_BYTES = 512;

export interface TarHeader {
  readonly type: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly major: number;
  readonly minor: number;
  /** Type "S": the map's first part, and whether blocks with more of it come next. */
  readonly sparse:
    | { readonly runs: readonly Run[]; readonly more: boolean; readonly realBytes: number }
    | undefined;
}

/** Stored bytes of a sparse file. */
export interface Run {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Undefined for a block of zeros, which ends an archive. Throws RangeError. */
export function parseHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (number(block, 148, 8) !== checksum(block)) throw new RangeError("a header's checksum is wrong");
  const type = String.fromCharCode(block[156] || 0x30);
  const magic = text(block, 257, 8);
  const prefix = magic.startsWith("ustar") && !magic.startsWith("ustar ") ? text(block, 345, 155) : "";
  const name = text(block, 0, 100);
  return {
    type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    mode: number(block, 100, 8) & 0o7777,
    uid: u32(block, 108),
    gid: u32(block, 116),
    sizeBytes: size(block, 124),
    mtimeSec: number(block, 136, 12),
    major: u32(block, 329),
    minor: u32(block, 337),
    sparse: type === "S"
      ? { runs: runsOf(block, { at: 386, count: 4 }), more: block[482] === 1, realBytes: size(block, 483) }
      : undefined,
  };
}

const EXTENDED_RUNS = 21;

/** One more block of an old GNU map: 21 of (offset 12, size 12), isextended at 504. */
export function parseSparseBlock(block: Uint8Array): { runs: readonly Run[]; more: boolean } {
  return { runs: runsOf(block, { at: 0, count: EXTENDED_RUNS }), more: block[504] === 1 };
}

function runsOf(block: Uint8Array, { at, count }: { at: number; count: number }): Run[] {
  const runs: Run[] = [];
  for (let i = 0; i < count && block[at + i * 24] !== 0; i++) {
    runs.push({ offset: size(block, at + i * 24), sizeBytes: size(block, at + i * 24 + 12) });
  }
  return runs;
}

/** Bytes up to the first NUL, one character each. */
export function text(bytes: Uint8Array, start: number, length: number): BytePath {
  const end = bytes.subarray(start, start + length).indexOf(0);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end < 0 ? length : end).toString(
    "latin1",
  ) as BytePath;
}

/** Octal digits, or, where the first bit is set, a two's-complement number in the other bits. */
function number(block: Uint8Array, at: number, length: number): number {
  const first = block[at] as number;
  if (first & 0x80) {
    let value = first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] as number);
    if (!Number.isSafeInteger(value)) throw new RangeError("a header holds too large a number");
    return value;
  }
  const digits = text(block, at, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new RangeError("a header holds something else than a number");
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** Owners and device numbers. */
function u32(block: Uint8Array, at: number): number {
  const value = number(block, at, 8);
  if (value < 0 || value > 0xffffffff) throw new RangeError("a header holds an owner or device out of range");
  return value;
}

function size(block: Uint8Array, at: number): number {
  const value = number(block, at, 12);
  if (value < 0) throw new RangeError("a header holds a negative size");
  return value;
}

/** Sum of all bytes, the checksum's own eight taken as blanks. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}
