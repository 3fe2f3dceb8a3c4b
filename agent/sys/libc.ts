/**
 * The file calls of the C library by FFI, for what `Deno.*` cannot do: names that are not UTF-8, nanoseconds,
 * extended attributes, devices, holes. Thin: one function per call, numbers for descriptors, SysError on
 * failure. All calls are synchronous. x86_64 and aarch64, glibc ≥ 2.30.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import { SysError } from "./errno.ts";

const arm = Deno.build.arch === "aarch64";

/** open(2) flags; asm-generic/fcntl.h, and arch/arm64/include/uapi/asm/fcntl.h where that differs. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NONBLOCK: 0o4000,
  DIRECTORY: arm ? 0o40000 : 0o200000,
  NOFOLLOW: arm ? 0o100000 : 0o400000,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
} as const;
/** Relative paths start at the working directory; openat(2). */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
const SEEK_DATA = 3, SEEK_HOLE = 4;
const ENXIO = 6, EINVAL = 22, ENAMETOOLONG = 36;

function load() {
  return Deno.dlopen("libc.so.6", {
    __errno_location: { parameters: [], result: "pointer" },
    openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
    fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
    readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
    pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    posix_fadvise: { parameters: ["i32", "i64", "i64", "i32"], result: "i32" },
    pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    mknodat: { parameters: ["i32", "buffer", "u32", "u64"], result: "i32" },
    unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
    renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
    flock: { parameters: ["i32", "i32"], result: "i32" },
    fsync: { parameters: ["i32"], result: "i32" },
    symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
    linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
    fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
    fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
    fchmod: { parameters: ["i32", "u32"], result: "i32" },
    fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
    utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
    futimens: { parameters: ["i32", "buffer"], result: "i32" },
    flistxattr: { parameters: ["i32", "buffer", "usize"], result: "isize" },
    llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
    fgetxattr: { parameters: ["i32", "buffer", "buffer", "usize"], result: "isize" },
    lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "isize" },
    fsetxattr: { parameters: ["i32", "buffer", "buffer", "usize", "i32"], result: "i32" },
    lsetxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
    // the third argument depends on the request; both architectures pass a pointer the same way as an integer
    ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
    fremovexattr: { parameters: ["i32", "buffer"], result: "i32" },
    umask: { parameters: ["u32"], result: "u32" },
    geteuid: { parameters: [], result: "u32" },
    getegid: { parameters: [], result: "u32" },
  }).symbols;
}

let loaded: ReturnType<typeof load> | undefined;
/** The loaded library, for the other files of this room that wrap a group of its calls. */
export function c(): ReturnType<typeof load> {
  return loaded ??= load();
}

export function errno(): number {
  const place = c().__errno_location();
  return place === null ? 0 : new Deno.UnsafePointerView(place).getInt32();
}

/** Throws the error that the last call left in errno. */
export function fail(action: string, path?: BytePath): never {
  throw new SysError(action, { errno: errno(), path });
}

/** Room for a path of PATH_MAX with its NUL, after a prefix of /proc/self/fd. */
const PATH_ROOM = 4096 + 64;
const pathBytes = new Uint8Array(PATH_ROOM);
const otherBytes = new Uint8Array(PATH_ROOM);

function fill(buffer: Uint8Array, path: string): Uint8Array {
  const length = path.length;
  if (length >= PATH_ROOM) {
    throw new SysError("use", { errno: ENAMETOOLONG, path: path as BytePath });
  }
  for (let i = 0; i < length; i++) buffer[i] = path.charCodeAt(i);
  buffer[length] = 0;
  return buffer;
}
/** The path with its NUL, in a buffer that the next call of this function reuses. */
export function cPath(path: string): Uint8Array {
  return fill(pathBytes, path);
}

/** `mode`: permissions of a new file, before the umask. The descriptor closes on exec. */
export function openAt(directory: number, path: BytePath, { flags, mode = 0 }: {
  flags: number;
  mode?: number;
}): number {
  const fd = c().openat(directory, cPath(path), flags | O.CLOEXEC, mode);
  if (fd < 0) fail("open", path);
  return fd;
}

export function close(fd: number): void {
  c().close(fd);
}

const direntBytes = new Uint8Array(65_536);
const dirents = new DataView(direntBytes.buffer);
const direntBuffer = Buffer.from(direntBytes.buffer);

/**
 * The names in an open directory except "." and "..", in no order; getdents64(2). A record: inode u64, offset s64,
 * record length u16 at 16, type u8, name from 19 on, ended by NUL.
 */
export function readDirectory(fd: number): BytePath[] {
  const names: BytePath[] = [];
  while (true) {
    const length = Number(c().getdents64(fd, direntBytes, BigInt(direntBytes.length)));
    if (length < 0) fail("read directory");
    if (length === 0) return names;
    for (let at = 0; at < length; at += dirents.getUint16(at + 16, true)) {
      const name = direntBuffer.toString("latin1", at + 19, direntBuffer.indexOf(0, at + 19)) as BytePath;
      if (name !== "." && name !== "..") names.push(name);
    }
  }
}

const DT_UNKNOWN = 0, DT_DIR = 4, SEEK_SET = 0;

/**
 * Whether a name in an open directory is a directory, according to the directory's own entry: a mount on it is not
 * touched. Undefined if there is no such name; true if the file system keeps no types.
 */
export function isDirectoryIn(fd: number, name: BytePath): boolean | undefined {
  c().lseek(fd, 0n, SEEK_SET);
  while (true) {
    const length = Number(c().getdents64(fd, direntBytes, BigInt(direntBytes.length)));
    if (length < 0) fail("read directory");
    if (length === 0) return undefined;
    for (let at = 0; at < length; at += dirents.getUint16(at + 16, true)) {
      const type = direntBytes[at + 18];
      if (direntBuffer.toString("latin1", at + 19, direntBuffer.indexOf(0, at + 19)) !== name) continue;
      return type === DT_DIR || type === DT_UNKNOWN;
    }
  }
}

/** The target of a symlink, which may be any bytes. */
export function readLinkAt(directory: number, path: BytePath): BytePath {
  const length = Number(c().readlinkat(directory, cPath(path), otherBytes, BigInt(PATH_ROOM)));
  if (length < 0) fail("read link", path);
  return Buffer.from(otherBytes.buffer, 0, length).toString("latin1") as BytePath;
}

/** Fills `buffer` from `offset` of the file on; returns the bytes read, fewer only at the end of the file. */
export function readFully(fd: number, buffer: Uint8Array, offset: number): number {
  let done = 0;
  while (done < buffer.length) {
    const part = done === 0 ? buffer : buffer.subarray(done);
    const got = Number(c().pread(fd, part, BigInt(part.length), BigInt(offset + done)));
    if (got < 0) fail("read");
    if (got === 0) break;
    done += got;
  }
  return done;
}

const POSIX_FADV_WILLNEED = 3, POSIX_FADV_DONTNEED = 4;

/** posix_fadvise(2): starts reading these bytes of the file without waiting. A failure costs nothing. */
export function readAhead(fd: number, { offset, sizeBytes }: { offset: number; sizeBytes: number }): void {
  c().posix_fadvise(fd, BigInt(offset), BigInt(sizeBytes), POSIX_FADV_WILLNEED);
}

/** posix_fadvise(2): drops the file from the page cache, so that it is read from the disk again. */
export function forgetCached(fd: number): void {
  c().posix_fadvise(fd, 0n, 0n, POSIX_FADV_DONTNEED);
}

/** Writes all of `bytes` at `offset` of the file. */
export function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;) {
    const part = done === 0 ? bytes : bytes.subarray(done);
    const put = Number(c().pwrite(fd, part, BigInt(part.length), BigInt(offset + done)));
    if (put < 0) fail("write");
    done += put;
  }
}

/**
 * The next run of stored bytes at or after `offset`, by SEEK_DATA and SEEK_HOLE of lseek(2); undefined if only a hole
 * is left. On a file system without holes it is one run up to the end.
 */
export function nextData(fd: number, { offset, sizeBytes }: { offset: number; sizeBytes: number }):
  | { start: number; end: number }
  | undefined {
  // most files have no hole, and one call shows it
  const hole = Number(c().lseek(fd, BigInt(offset), SEEK_HOLE));
  if (hole > offset) return { start: offset, end: Math.min(hole, sizeBytes) };
  const start = Number(c().lseek(fd, BigInt(offset), SEEK_DATA));
  if (start < 0) {
    if (errno() === ENXIO) return undefined;
    if (errno() === EINVAL) return { start: offset, end: sizeBytes };
    fail("find data in");
  }
  if (start >= sizeBytes) return undefined;
  const end = Number(c().lseek(fd, BigInt(start), SEEK_HOLE));
  if (end < 0) fail("find holes in");
  return { start, end: Math.min(end, sizeBytes) };
}

export function truncate(fd: number, sizeBytes: number): void {
  if (c().ftruncate(fd, BigInt(sizeBytes)) !== 0) fail("set the size of");
}

export function makeDirectoryAt(directory: number, path: BytePath, mode: number): void {
  if (c().mkdirat(directory, cPath(path), mode) !== 0) fail("make directory", path);
}

export function symlinkAt(directory: number, path: BytePath, target: BytePath): void {
  if (c().symlinkat(fill(otherBytes, target), directory, cPath(path)) !== 0) fail("make symlink", path);
}

/** A hard link: one more name, `path`, for the file `existing`. */
export function linkAt(directory: number, path: BytePath, existing: BytePath): void {
  if (c().linkat(directory, fill(otherBytes, existing), directory, cPath(path), 0) !== 0) {
    fail("make hard link", path);
  }
}

const AT_REMOVEDIR = 0x200;

/** Does not follow a symlink. "name": anything but a directory; "directory": an empty one. */
export function removeAt(directory: number, path: BytePath, kind: "name" | "directory"): void {
  if (c().unlinkat(directory, cPath(path), kind === "directory" ? AT_REMOVEDIR : 0) !== 0) {
    fail("remove", path);
  }
}

/** Within one directory; replaces whatever had the name `to`. */
export function renameAt(directory: number, path: BytePath, to: BytePath): void {
  if (c().renameat(directory, cPath(path), directory, fill(otherBytes, to)) !== 0) fail("rename", path);
}

/** fsync(2): returns when content and attributes are on the disk; for a directory, its names. */
export function syncOf(fd: number): void {
  if (c().fsync(fd) !== 0) fail("write out");
}

const LOCK_EX = 2, LOCK_NB = 4, EAGAIN = 11;

/** flock(2): locks the file exclusively; false if another process has it. The lock ends with the descriptor. */
export function tryLock(fd: number): boolean {
  if (c().flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (errno() !== EAGAIN) fail("lock");
  return false;
}

const S_IF = { fifo: 0o010000, char: 0o020000, block: 0o060000, socket: 0o140000 } as const;

/** Packs device numbers as gnu_dev_makedev(3) does. */
export function makeNodeAt(directory: number, path: BytePath, { type, mode, major = 0, minor = 0 }: {
  type: keyof typeof S_IF;
  mode: number;
  major?: number;
  minor?: number;
}): void {
  const [hi, lo] = [BigInt(major), BigInt(minor)];
  const device = (hi & 0xfffn) << 8n | (hi & ~0xfffn) << 32n | (lo & 0xffn) | (lo & ~0xffn) << 12n;
  if (c().mknodat(directory, cPath(path), S_IF[type] | mode, device) !== 0) fail(`make ${type}`, path);
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Does not follow a symlink. Clears setuid, setgid and capabilities of files. */
export function chownAt(directory: number, path: BytePath, { uid, gid }: Owner): void {
  if (c().fchownat(directory, cPath(path), uid, gid, AT_SYMLINK_NOFOLLOW) !== 0) fail("set owner of", path);
}

export function chownOf(fd: number, { uid, gid }: Owner): void {
  if (c().fchown(fd, uid, gid) !== 0) fail("set owner of");
}

/** Follows symlinks: only for names that are known not to be one. */
export function chmodAt(directory: number, path: BytePath, mode: number): void {
  if (c().fchmodat(directory, cPath(path), mode, 0) !== 0) fail("set mode of", path);
}

export function chmodOf(fd: number, mode: number): void {
  if (c().fchmod(fd, mode) !== 0) fail("set mode of");
}

interface Mtime {
  readonly mtimeSec: number;
  readonly mtimeNs: number;
}

/** Two struct timespec, access and modification: seconds s64, nanoseconds s64. */
const times = new Uint8Array(32);
const timeWords = new Uint32Array(times.buffer);
function timesOf({ mtimeSec, mtimeNs }: Mtime): Uint8Array {
  timeWords[0] = timeWords[4] = mtimeSec >>> 0;
  timeWords[1] = timeWords[5] = Math.floor(mtimeSec / 2 ** 32) >>> 0;
  timeWords[2] = timeWords[6] = mtimeNs;
  return times;
}

/** Sets both times. Does not follow a symlink. */
export function setTimesAt(directory: number, path: BytePath, mtime: Mtime): void {
  if (c().utimensat(directory, cPath(path), timesOf(mtime), AT_SYMLINK_NOFOLLOW) !== 0) {
    fail("set times of", path);
  }
}

export function setTimesOf(fd: number, mtime: Mtime): void {
  if (c().futimens(fd, timesOf(mtime)) !== 0) fail("set times of");
}

/** Returns the process's previous umask. */
export function umask(mask: number): number {
  return c().umask(mask);
}

export function effectiveOwner(): Owner {
  return { uid: c().geteuid(), gid: c().getegid() };
}

const fileSystemBytes = new Uint8Array(256);
const fileSystemView = new DataView(fileSystemBytes.buffer);

/** Magic number of the file system that holds an open file; statfs(2), struct statfs begins with it. */
export function fileSystemTypeOf(fd: number): number {
  return fileSystemStatus(fd).getUint32(0, true);
}

/** Bytes in use on the file system that holds an open file: f_blocks, f_bfree and f_frsize of struct statfs. */
export function usedBytesOf(fd: number): number {
  const status = fileSystemStatus(fd);
  const word = (at: number) => Number(status.getBigUint64(at, true));
  return (word(16) - word(24)) * word(72);
}

function fileSystemStatus(fd: number): DataView {
  if (c().fstatfs(fd, fileSystemBytes) !== 0) fail("look at the file system of");
  return fileSystemView;
}
