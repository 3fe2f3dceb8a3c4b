/**
 * The index that an installation leaves on the clone, so that a later restore need not hash untouched files: the inode
 * and change time of every entry, and for a file a checksum of its content in the image. Every write to a file updates
 * its change time. On a sound file system, entries with the same inode and change time are trusted, except for a sample
 * of the files (trusted_files.ts). For the sample, and on a file system that had to be repaired, the checksum is computed from
 * the disk again, which finds rotten bytes. order.restore.check asks for more.
 *
 *      0  "RSCI", version u32                       all numbers big-endian
 *      8  SHA-256 of the manifest that numbers the entries
 *     40  number of entries n, u32
 *     44  n × (inode u64, ctime s64 seconds, u32 nanoseconds, checksum u32, 1 u32), zeros if nothing is known
 *      …  SHA-256 of everything before
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import type { FileStatus } from "../../sys/file_status.ts";

const MAGIC = 0x52534349, VERSION = 1;
const HEAD_BYTES = 44, ENTRY_BYTES = 28;

export interface IndexEntry {
  readonly inode: bigint;
  readonly ctimeSec: number;
  readonly ctimeNs: number;
  readonly sum: number;
}

/** By entry number. */
export type ContentIndex = (entry: number) => IndexEntry | undefined;

/** An extent's part in the checksum of its file. The parts are combined by XOR, in any order. */
export function extentSum(content: Uint8Array, offset: number): number {
  return crc32(content, offset >>> 0);
}

export function isUntouched({ inode, ctimeSec, ctimeNs }: IndexEntry, status: FileStatus): boolean {
  return status.inode === inode && status.ctimeSec === ctimeSec && status.ctimeNs === ctimeNs;
}

/**
 * `manifest`: the manifest's id.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeIndex, encodeIndex } from "./content_index.ts";
 *
 * const manifest = "a".repeat(64);
 * const entry = { inode: 12n, ctimeSec: 1_700_000_000, ctimeNs: 5, sum: 0xcafe };
 * const index = decodeIndex(encodeIndex({ manifest, entries: [undefined, entry] }), { manifest });
 * assert.deepEqual(index?.(1), entry);
 * assert.equal(index?.(0), undefined);
 * ```
 */
export function encodeIndex(
  { manifest, entries }: { manifest: string; entries: readonly (IndexEntry | undefined)[] },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + ENTRY_BYTES * entries.length + SHA256_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  bytes.set(Buffer.from(manifest, "hex"), 8);
  view.setUint32(40, entries.length);
  entries.forEach((entry, i) => {
    if (entry === undefined) return;
    const at = HEAD_BYTES + ENTRY_BYTES * i;
    view.setBigUint64(at, entry.inode);
    view.setBigInt64(at + 8, BigInt(entry.ctimeSec));
    view.setUint32(at + 16, entry.ctimeNs);
    view.setUint32(at + 20, entry.sum);
    view.setUint32(at + 24, 1);
  });
  bytes.set(hashOf(bytes), bytes.length - SHA256_BYTES);
  return bytes;
}

/** Undefined if it belongs to another manifest, or is damaged. */
export function decodeIndex(bytes: Uint8Array, { manifest }: { manifest: string }): ContentIndex | undefined {
  if (bytes.length < HEAD_BYTES + SHA256_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(40);
  const sound = view.getUint32(0) === MAGIC && view.getUint32(4) === VERSION &&
    Buffer.from(bytes.subarray(8, 40)).toString("hex") === manifest &&
    bytes.length === HEAD_BYTES + ENTRY_BYTES * count + SHA256_BYTES &&
    hashOf(bytes).equals(bytes.subarray(bytes.length - SHA256_BYTES));
  if (!sound) return undefined;
  return (entry) => {
    const at = HEAD_BYTES + ENTRY_BYTES * entry;
    if (entry >= count || view.getUint32(at + 24) !== 1) return undefined;
    return {
      inode: view.getBigUint64(at),
      ctimeSec: Number(view.getBigInt64(at + 8)),
      ctimeNs: view.getUint32(at + 16),
      sum: view.getUint32(at + 20),
    };
  };
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes.subarray(0, bytes.length - SHA256_BYTES)).digest();
}
