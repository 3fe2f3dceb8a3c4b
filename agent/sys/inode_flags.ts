/**
 * Inode flags and project ids of open files: ioctl_iflags(2), and struct fsxattr of linux/fs.h. Nothing here fails on
 * a file system without them: reading finds none, and `setInodeSettings` returns what could not be set.
 */
import {
  APPEND,
  FLAGS,
  IMMUTABLE,
  type InodeSettings,
  settingsOf,
  XFLAGS,
} from "#contract/format/inode_flags.ts";
import { c, errno, fail, fileSystemTypeOf } from "./libc.ts";

/** _IOR('f', 1, long), _IOW('f', 2, long), _IOR and _IOW('X', 31 and 32, struct fsxattr) on 64 bits. */
const FS_IOC_GETFLAGS = 0x80086601n, FS_IOC_SETFLAGS = 0x40086602n;
const FS_IOC_FSGETXATTR = 0x801c581fn, FS_IOC_FSSETXATTR = 0x401c5820n;

/** The kernel reads and writes an int, although the request number says long. */
const flagBytes = new Uint8Array(8);
const flagView = new DataView(flagBytes.buffer);
/** xflags u32, extsize u32, nextents u32, projid u32, cowextsize u32, 8 bytes. */
const extendedBytes = new Uint8Array(28);
const extendedView = new DataView(extendedBytes.buffer);

const ALL_FLAGS = FLAGS.reduce((sum, { bit }) => sum | bit, 0);
/** The flags that forbid nearly every change. */
export const LOCKS = IMMUTABLE | APPEND;
const ALL_XFLAGS = XFLAGS.reduce((sum, { bit }) => sum | bit, 0);

/** The flags that a file system supports. */
export interface Holds {
  readonly flags: number;
  readonly xflags: number;
  readonly project: boolean;
}

const BTRFS_MAGIC = 0x9123683e;
const letters = (text: string) =>
  FLAGS.reduce((sum, { letter, bit }) => text.includes(letter) ? sum | bit : sum, 0);
/** By magic number of linux/magic.h: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, overlay. */
const HOLDS: ReadonlyMap<number, Holds> = new Map([
  [0xef53, { flags: letters("sucSiadAjtDTxPF"), xflags: 0, project: true }],
  [0x58465342, { flags: letters("SiadAxP"), xflags: ALL_XFLAGS, project: true }],
  [BTRFS_MAGIC, { flags: letters("cSiadADC"), xflags: 0, project: false }],
  [0xf2f52010, { flags: letters("cSiadAmDCPF"), xflags: 0, project: true }],
  [0x01021994, { flags: letters("iadAF"), xflags: 0, project: false }],
  [0x794c7630, { flags: letters("SiaA"), xflags: 0, project: false }],
]);
const NOTHING: Holds = { flags: 0, xflags: 0, project: false };

/** The flags that the file system of an open file supports and this process may set. */
export function holdsOf(fd: number): Holds {
  const holds = HOLDS.get(fileSystemTypeOf(fd)) ?? NOTHING;
  return { ...holds, flags: holds.flags & ~forbidden() };
}

/** CAP_LINUX_IMMUTABLE and CAP_SYS_RESOURCE of linux/capability.h, which root in a container usually lacks. */
const NEEDED: readonly (readonly [bits: number, capability: bigint])[] = [
  [LOCKS, 9n],
  [letters("j"), 24n],
];
let forbiddenFlags: number | undefined;

/** Flags that this process may not set; proc_pid_status(5). */
function forbidden(): number {
  if (forbiddenFlags !== undefined) return forbiddenFlags;
  const text = Deno.readTextFileSync("/proc/self/status");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1] ?? "0"}`);
  const lacking = NEEDED.filter(([, capability]) => (capabilities >> capability & 1n) === 0n);
  return forbiddenFlags = lacking.reduce((sum, [bits]) => sum | bits, 0);
}

/** The settings of an open file or directory; undefined if none is set. */
export function inodeSettingsOf(fd: number): InodeSettings | undefined {
  const flags = readFlags(fd);
  if (flags === undefined) return undefined;
  const known = flags & ownFlags(fd, flags);
  if (!readExtended(fd)) return settingsOf({ flags: known });
  return settingsOf({
    flags: known,
    xflags: extendedView.getUint32(0, true) & ALL_XFLAGS,
    extentSize: extendedView.getUint32(4, true),
    project: extendedView.getUint32(12, true),
    cowExtentSize: extendedView.getUint32(16, true),
  });
}

/**
 * Gives an open file exactly these settings. Returns those that could not be set; undefined if all were.
 */
export function setInodeSettings(fd: number, wanted: InodeSettings): InodeSettings | undefined {
  const now = inodeSettingsOf(fd) ?? {};
  if (isSame(now, wanted)) return undefined;
  setFlags(fd, { now: now.flags ?? 0, wanted: wanted.flags ?? 0 });
  setExtended(fd, wanted);
  const got = inodeSettingsOf(fd) ?? {};
  return settingsOf({
    flags: (wanted.flags ?? 0) & ~(got.flags ?? 0),
    xflags: (wanted.xflags ?? 0) & ~(got.xflags ?? 0),
    project: got.project === wanted.project ? 0 : wanted.project ?? 0,
    extentSize: got.extentSize === wanted.extentSize ? 0 : wanted.extentSize ?? 0,
    cowExtentSize: got.cowExtentSize === wanted.cowExtentSize ? 0 : wanted.cowExtentSize ?? 0,
  });
}

/** Clears +i and +a of an open file; returns those that were set. */
export function unlockInode(fd: number): number {
  const flags = readFlags(fd) ?? 0;
  const locks = flags & LOCKS;
  if (locks !== 0 && !writeFlags(fd, flags & ~locks)) fail("clear the immutable or append-only flag of");
  return locks;
}

/** Sets the flags that `unlockInode` cleared. */
export function lockInode(fd: number, locks: number): void {
  const flags = readFlags(fd) ?? 0;
  if ((flags & locks) !== locks && !writeFlags(fd, flags | locks)) {
    fail("set the immutable or append-only flag of");
  }
}

function isSame(a: InodeSettings, b: InodeSettings): boolean {
  return (a.flags ?? 0) === (b.flags ?? 0) && (a.xflags ?? 0) === (b.xflags ?? 0) &&
    (a.project ?? 0) === (b.project ?? 0) && (a.extentSize ?? 0) === (b.extentSize ?? 0) &&
    (a.cowExtentSize ?? 0) === (b.cowExtentSize ?? 0);
}

/** On a btrfs the kernel sets +m by itself, when it finds that a file cannot be compressed: that is nobody's choice. */
function ownFlags(fd: number, flags: number): number {
  const isBtrfs = (flags & NO_COMPRESSION) !== 0 && fileSystemTypeOf(fd) === BTRFS_MAGIC;
  return isBtrfs ? ALL_FLAGS & ~NO_COMPRESSION : ALL_FLAGS;
}

/** Sets all flags at once or, if one is refused, one by one, so that an unsupported flag does not cost the others. */
function setFlags(fd: number, { now, wanted }: { now: number; wanted: number }): void {
  const before = readFlags(fd) ?? 0, others = before & ~ownFlags(fd, before);
  if (now === wanted || writeFlags(fd, others | wanted)) return;
  let flags = others | now & ~LOCKS;
  writeFlags(fd, flags);
  // +a and +i last, in this order: they forbid changes to the others
  for (const bit of [...FLAGS.map(({ bit }) => bit & ~LOCKS), APPEND, IMMUTABLE]) {
    if ((flags ^ wanted) & bit && writeFlags(fd, flags ^ bit)) flags ^= bit;
  }
}

function setExtended(
  fd: number,
  { xflags = 0, project = 0, extentSize = 0, cowExtentSize = 0 }: InodeSettings,
) {
  if (!readExtended(fd)) return;
  const before = [0, 4, 12, 16].map((at) => extendedView.getUint32(at, true));
  const [flags = 0] = before;
  const after = [((flags & ~ALL_XFLAGS) | xflags) >>> 0, extentSize, project, cowExtentSize];
  if (after.every((value, i) => value === before[i])) return;
  [0, 4, 12, 16].forEach((at, i) => extendedView.setUint32(at, after[i] as number, true));
  if (c().ioctl(fd, FS_IOC_FSSETXATTR, extendedBytes) !== 0 && !isRefusal()) fail("set the project of");
}

/** Undefined if the file system has no flags. */
function readFlags(fd: number): number | undefined {
  if (c().ioctl(fd, FS_IOC_GETFLAGS, flagBytes) === 0) return flagView.getUint32(0, true);
  if (!isRefusal()) fail("read the flags of");
  return undefined;
}

/**
 * FS_XFLAG_SYNC, IMMUTABLE, APPEND, NODUMP and NOATIME of linux/fs.h, for the flags that FS_IOC_FSSETXATTR changes
 * on a btrfs, too.
 */
const BTRFS_XFLAGS: readonly (readonly [flag: number, xflag: number])[] = [
  [letters("S"), 0x20],
  [IMMUTABLE, 0x8],
  [APPEND, 0x10],
  [letters("d"), 0x80],
  [letters("A"), 0x40],
];
const NO_COMPRESSION = letters("m"), COMPRESSION = letters("c") | NO_COMPRESSION;

/**
 * On a btrfs every FS_IOC_SETFLAGS resets the property btrfs.compression to the default algorithm or to none:
 * false if these flags do not allow to leave it alone, which FS_IOC_FSSETXATTR does.
 */
function writeFlagsBesideCompression(fd: number, flags: number): boolean {
  const now = readFlags(fd) ?? 0, changed = now ^ flags;
  const settable = BTRFS_XFLAGS.reduce((sum, [flag]) => sum | flag, 0);
  if ((flags & COMPRESSION) === 0 || (changed & ~settable) !== 0) return false;
  if (fileSystemTypeOf(fd) !== BTRFS_MAGIC || !readExtended(fd)) return false;
  const xflags = BTRFS_XFLAGS.reduce(
    (sum, [flag, xflag]) => flags & flag ? sum | xflag : sum & ~xflag,
    extendedView.getUint32(0, true),
  );
  extendedView.setUint32(0, xflags >>> 0, true);
  return c().ioctl(fd, FS_IOC_FSSETXATTR, extendedBytes) === 0;
}

/** False if the kernel refused. */
function writeFlags(fd: number, flags: number): boolean {
  if (writeFlagsBesideCompression(fd, flags)) return true;
  flagView.setUint32(0, flags >>> 0, true);
  if (c().ioctl(fd, FS_IOC_SETFLAGS, flagBytes) === 0) return true;
  if (!isRefusal()) fail("set the flags of");
  return false;
}

function readExtended(fd: number): boolean {
  if (c().ioctl(fd, FS_IOC_FSGETXATTR, extendedBytes) === 0) return true;
  if (!isRefusal()) fail("read the project of");
  return false;
}

const EPERM = 1, EACCES = 13, ENOTTY = 25, EINVAL = 22, ENOSYS = 38, EOPNOTSUPP = 95, ENOTEMPTY = 39;
const REFUSALS = new Set([EPERM, EACCES, ENOTTY, EINVAL, ENOSYS, EOPNOTSUPP, ENOTEMPTY]);

/** Whether the last call failed because it is unsupported or not permitted. */
function isRefusal(): boolean {
  return REFUSALS.has(errno());
}
