/**
 * The 512-byte header of a tar member, read and written: POSIX.1-2017 "pax", ustar interchange format, and the
 * GNU tar manual, "Basic Tar Format".
 *
 *       0 name 100      108 uid 8      136 mtime 12      157 linkname 100     329 devmajor 8    345 prefix 155
 *     100 mode 8        116 gid 8      148 checksum 8    257 magic 8          337 devminor 8
 *     124 size 12                      156 typeflag 1
 *
 * Old GNU (magic "ustar  \0") has a sparse map instead of the prefix: 386 four runs (offset 12, size 12),
 * 482 isextended, 483 realsize 12.
 */
import type { BytePath } from "#contract/format/byte_path.ts";

export const BLOCK_BYTES = 512;
/** GNU tar's record: an archive's length is a multiple of it. */
export const RECORD_BYTES = 20 * BLOCK_BYTES;
/** Two blocks of zeros end an archive. */
export const END_BYTES = 2 * BLOCK_BYTES;

/** Largest numbers that the octal digits of a field hold; pax records carry larger ones. */
export const MAX_OCTAL_OWNER = 0o7777777, MAX_OCTAL_SIZE = 0o77777777777;

interface Field {
  readonly at: number;
  readonly length: number;
}
const NAME: Field = { at: 0, length: 100 };
const MODE: Field = { at: 100, length: 8 };
const UID: Field = { at: 108, length: 8 };
const GID: Field = { at: 116, length: 8 };
const SIZE: Field = { at: 124, length: 12 };
const MTIME: Field = { at: 136, length: 12 };
const CHECKSUM: Field = { at: 148, length: 8 };
const TYPE_AT = 156;
const LINK_NAME: Field = { at: 157, length: 100 };
const MAGIC: Field = { at: 257, length: 8 };
const MAJOR: Field = { at: 329, length: 8 };
const MINOR: Field = { at: 337, length: 8 };
const PREFIX: Field = { at: 345, length: 155 };
const REAL_SIZE: Field = { at: 483, length: 12 };
const RUN_BYTES = 24;

/** Longest name and link name that fit. */
export const MAX_NAME_BYTES = NAME.length;

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
}

/** Bytes of a sparse file that the archive stores. */
export interface Run {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The map of a sparse file in old GNU form (type "S"). `more`: blocks with further runs follow the header. */
export interface GnuSparse {
  readonly runs: readonly Run[];
  readonly more: boolean;
  readonly realBytes: number;
}

/** Undefined for a block of zeros, which ends an archive. Throws RangeError. */
export function parseHeader(block: Uint8Array): TarHeader & { readonly sparse?: GnuSparse } | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (numberIn(block, CHECKSUM) !== checksum(block)) throw new RangeError("a header's checksum is wrong");
  const type = String.fromCharCode(block[TYPE_AT] || 0x30);
  const magic = textIn(block, MAGIC);
  const prefix = magic.startsWith("ustar") && !magic.startsWith("ustar ") ? textIn(block, PREFIX) : "";
  const name = textIn(block, NAME);
  return {
    type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: textIn(block, LINK_NAME),
    mode: numberIn(block, MODE) & 0o7777,
    uid: u32In(block, UID),
    gid: u32In(block, GID),
    sizeBytes: sizeIn(block, SIZE),
    mtimeSec: numberIn(block, MTIME),
    major: u32In(block, MAJOR),
    minor: u32In(block, MINOR),
    ...(type === "S" && { sparse: gnuSparse(block) }),
  };
}

function gnuSparse(block: Uint8Array): GnuSparse {
  return {
    runs: runsIn(block, { at: 386, count: 4 }),
    more: block[482] === 1,
    realBytes: sizeIn(block, REAL_SIZE),
  };
}

/** One more block of an old GNU map: 21 runs (offset 12, size 12), isextended at 504. */
export function parseSparseBlock(block: Uint8Array): { runs: readonly Run[]; more: boolean } {
  return { runs: runsIn(block, { at: 0, count: 21 }), more: block[504] === 1 };
}

/** The header block. Names longer than their fields are cut, and numbers too large for octal digits written as 0. */
export function formatHeader(
  { type, name, linkName, mode, uid, gid, sizeBytes, mtimeSec, major, minor }: TarHeader,
): Uint8Array {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name.slice(0, NAME.length), NAME.at, "latin1");
  block.write(type, TYPE_AT, "latin1");
  block.write(linkName.slice(0, LINK_NAME.length), LINK_NAME.at, "latin1");
  block.write("ustar\x0000", MAGIC.at, "latin1");
  writeNumber(block, MODE, mode);
  writeNumber(block, UID, uid > MAX_OCTAL_OWNER ? 0 : uid);
  writeNumber(block, GID, gid > MAX_OCTAL_OWNER ? 0 : gid);
  writeNumber(block, SIZE, sizeBytes > MAX_OCTAL_SIZE ? 0 : sizeBytes);
  writeNumber(block, MTIME, Math.min(Math.max(mtimeSec, 0), MAX_OCTAL_SIZE));
  writeNumber(block, MAJOR, major);
  writeNumber(block, MINOR, minor);
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, CHECKSUM.at, "latin1");
  return block;
}

/** Zeros from the end of `length` bytes to the next block. */
export function padding(length: number): Uint8Array {
  return new Uint8Array(padded(length) - length);
}

/** `sizeBytes` rounded up to whole blocks. */
export function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Bytes up to the first NUL, one character each. */
export function textIn(bytes: Uint8Array, { at, length }: Field = { at: 0, length: bytes.length }): BytePath {
  const end = bytes.subarray(at, at + length).indexOf(0);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + at, end < 0 ? length : end);
  return view.toString("latin1") as BytePath;
}

/** Runs up to the first empty slot. */
function runsIn(block: Uint8Array, { at, count }: { at: number; count: number }): Run[] {
  const runs: Run[] = [];
  for (let i = at; i < at + count * RUN_BYTES && block[i] !== 0; i += RUN_BYTES) {
    const offset = sizeIn(block, { at: i, length: 12 });
    runs.push({ offset, sizeBytes: sizeIn(block, { at: i + 12, length: 12 }) });
  }
  return runs;
}

/** Octal digits, or, if the first bit is set, a two's-complement number in the other bits. */
function numberIn(block: Uint8Array, field: Field): number {
  const { at, length } = field, first = block[at] as number;
  if (first & 0x80) {
    let value = first & 0x40 ? (first & 0x7f) - 0x80 : first & 0x7f;
    for (let i = at + 1; i < at + length; i++) value = value * 256 + (block[i] as number);
    if (!Number.isSafeInteger(value)) throw new RangeError("a number in a header is too large");
    return value;
  }
  const digits = textIn(block, field).trim();
  if (!/^[0-7]*$/.test(digits)) throw new RangeError("a numeric field of a header is not a number");
  return digits === "" ? 0 : parseInt(digits, 8);
}

/** Owners and device numbers. */
function u32In(block: Uint8Array, field: Field): number {
  const value = numberIn(block, field);
  if (value < 0 || value > 0xffffffff) throw new RangeError("an owner or device in a header is out of range");
  return value;
}

function sizeIn(block: Uint8Array, field: Field): number {
  const value = numberIn(block, field);
  if (value < 0) throw new RangeError("a size in a header is negative");
  return value;
}

/** Octal digits and NUL; a number too large for them (a device) in GNU's base 256, marked by the top bit. */
function writeNumber(block: Buffer, { at, length }: Field, value: number): void {
  const octal = value.toString(8).padStart(length - 1, "0");
  if (octal.length < length) {
    block.write(`${octal}\0`, at, "latin1");
    return;
  }
  block[at] = 0x80;
  block.writeUIntBE(value, at + length - 6, 6);
}

/** Sum of all bytes, with the checksum's own eight taken as blanks. */
function checksum(block: Uint8Array): number {
  const inside = (i: number) => i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.length;
  return block.reduce((sum, byte, i) => sum + (inside(i) ? 0x20 : byte), 0);
}
