/**
 * What an installation leaves on the clone so that a later restore need not hash what nobody has touched: of every
 * entry its inode, its change time, and of a file a checksum of the image's content. Whoever writes to a file changes
 * its change time. On a sound file system what has the same inode and change time is believed, but for a sample of the
 * files (trusted_files.ts); of the sample, and where the file system had to be repaired, the checksum is taken from the disk
 * again, so that bytes which rot are found. See order.restore.check for those who want more.
 *
 *      0  "RSCI", version u32                       all numbers big-endian
 *      8  SHA-256 of the manifest that the entries' numbers are of
 *     40  number of entries n, u32
 *     44  n × (inode u64, ctime s64 seconds, u32 nanoseconds, checksum u32, 1 u32), zeros where nothing is known
 *      …  SHA-256 of all before
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

/** What an extent at this offset adds to its file's checksum: they are combined by XOR, in any order. */
export function extentSum(content: Uint8Array, offset: number): number {
  return crc32(content, offset >>> 0);
}

export function isUntouched({ inode, ctimeSec, ctimeNs }: IndexEntry, status: FileStatus): boolean {
  return status.inode === inode && status.ctimeSec === ctimeSec && status.ctimeNs === ctimeNs;
}

/** `manifest`: its id. */
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

/** Undefined where it is another manifest's, or damaged. */
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
