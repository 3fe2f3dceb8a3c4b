/** The status of a file: statx(2). */
import type { BytePath } from "#contract/format/byte_path.ts";
import { AT_SYMLINK_NOFOLLOW, c, cPath, fail } from "./libc.ts";

export interface FileStatus {
  readonly type: "directory" | "file" | "symlink" | "char" | "block" | "fifo" | "socket";
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** Bytes that the file system has allocated. */
  readonly allocatedBytes: number;
  readonly mtimeSec: number;
  readonly mtimeNs: number;
  readonly ctimeSec: number;
  readonly ctimeNs: number;
  /** Of a device file. */
  readonly major: number;
  readonly minor: number;
  /** The device of its file system. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Whether something is mounted here; undefined before Linux 5.8. */
  readonly mountRoot: boolean | undefined;
  /** The flags of chattr(1) that statx(2) reports: c, i, a, d, E and V, as FS_*_FL. */
  readonly flags: number;
}

const TYPES: Readonly<Record<number, FileStatus["type"]>> = {
  0x1: "fifo",
  0x2: "char",
  0x4: "directory",
  0x6: "block",
  0x8: "file",
  0xa: "symlink",
  0xc: "socket",
};
const STATX_BASIC_STATS = 0x7ff;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
/** STATX_ATTR_COMPRESSED, IMMUTABLE, APPEND, NODUMP, ENCRYPTED, VERITY: the same bits as FS_*_FL. */
const STATX_FLAGS = 0x100874;
const statusBytes = new Uint8Array(256);
const view = new DataView(statusBytes.buffer);

/**
 * Does not follow a symlink. Offsets of struct statx: linux/stat.h; a timestamp is
 * seconds s64, nanoseconds u32.
 */
export function statAt(directory: number, path: BytePath): FileStatus {
  if (c().statx(directory, cPath(path), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, statusBytes) !== 0) {
    fail("look at", path);
  }
  return readStatus();
}

const AT_EMPTY_PATH = 0x1000;
const empty = new Uint8Array(1);

export function statOf(fd: number): FileStatus {
  if (c().statx(fd, empty, AT_EMPTY_PATH, STATX_BASIC_STATS, statusBytes) !== 0) fail("look at");
  return readStatus();
}

/** Exact up to 2⁵³, more than any file system holds. */
function u64(at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function s64(at: number): number {
  return view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function readStatus(): FileStatus {
  const attributes = view.getUint32(8, true), known = view.getUint32(56, true);
  const mode = view.getUint16(28, true);
  return {
    type: TYPES[mode >> 12] as FileStatus["type"],
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    links: view.getUint32(16, true),
    inode: view.getBigUint64(32, true),
    sizeBytes: u64(40),
    allocatedBytes: u64(48) * 512,
    mtimeSec: s64(112),
    mtimeNs: view.getUint32(120, true),
    ctimeSec: s64(96),
    ctimeNs: view.getUint32(104, true),
    major: view.getUint32(128, true),
    minor: view.getUint32(132, true),
    deviceMajor: view.getUint32(136, true),
    deviceMinor: view.getUint32(140, true),
    mountRoot: known & STATX_ATTR_MOUNT_ROOT ? (attributes & STATX_ATTR_MOUNT_ROOT) !== 0 : undefined,
    flags: attributes & STATX_FLAGS,
  };
}
