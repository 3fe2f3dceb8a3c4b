/**
 * The ioctls of btrfs for subvolumes, by FFI: linux/btrfs.h and linux/btrfs_tree.h. They take a descriptor of any
 * directory in the file system, and most need CAP_SYS_ADMIN. The program `btrfs` prints names that contain line ends as
 * they are; these do not.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import { AT_FDCWD, c, close, errno, fail, O, openAt } from "./libc.ts";

/** The top of every file system, and the inode of the root of every subvolume. */
export const TOP_SUBVOLUME = 5, SUBVOLUME_INODE = 256n;

/** _IOW, _IOR and _IOWR of the magic 0x94 with the size of their structure. */
const IOC = {
  FORGET_DEV: 0x50009405n,
  SUBVOL_CREATE: 0x5000940en,
  TREE_SEARCH: 0xd0009411n,
  INO_LOOKUP: 0xd0009412n,
  DEFAULT_SUBVOL: 0x40089413n,
  SPACE_INFO: 0xc0109414n,
  SUBVOL_GETFLAGS: 0x80089419n,
  SUBVOL_SETFLAGS: 0x4008941an,
} as const;
const ARGUMENT_BYTES = 4096;
const READ_ONLY = 2n;

export interface Subvolume {
  readonly id: number;
  /** Id of the subvolume that holds its name. */
  readonly parent: number;
  /** Path in the parent, without a leading slash. */
  readonly path: BytePath;
  readonly readOnly: boolean;
  /** As 32 hexadecimal digits. */
  readonly uuid: string;
  /** Of the subvolume that it is a snapshot of; undefined if it is none. */
  readonly snapshotOf: string | undefined;
}

const ROOT_TREE = 1n, FIRST_FREE = 256n, LAST_FREE = 2n ** 64n - 256n;
/** Key types of the root tree. */
const DIR_ITEM = 84, ROOT_ITEM = 132, ROOT_BACKREF = 144;
const ROOT_TREE_DIR = 6n;

/** All subvolumes, in the order of their ids, which is that of their creation. Without deleted ones. */
export function subvolumesOf(fd: number): Subvolume[] {
  const items = new Map<number, RootItem>(), found: Subvolume[] = [];
  for (
    const { objectid, type, offset, data } of search(fd, [FIRST_FREE, LAST_FREE], [ROOT_ITEM, ROOT_BACKREF])
  ) {
    const id = Number(objectid);
    if (type === ROOT_ITEM) items.set(id, parseRootItem(data));
    const item = type === ROOT_BACKREF ? items.get(id) : undefined;
    if (item === undefined || item.isDeleted) continue;
    const directory = data.getBigUint64(0, true), length = data.getUint16(16, true);
    const name = latin1(data, 18, length);
    const { readOnly, uuid, snapshotOf } = item;
    const path = `${directoryPath(fd, { tree: offset, inode: directory })}${name}` as BytePath;
    found.push({ id, parent: Number(offset), path, readOnly, uuid, snapshotOf });
  }
  return found;
}

interface RootItem {
  readonly readOnly: boolean;
  readonly isDeleted: boolean;
  readonly uuid: string;
  readonly snapshotOf: string | undefined;
}

/** struct btrfs_root_item: flags u64 at 208, refs u32 at 216, and since Linux 3.6 uuid and parent_uuid at 247. */
function parseRootItem(data: DataView): RootItem {
  const parent = data.byteLength >= 279 ? hex(data, 263) : "";
  return {
    readOnly: (data.getBigUint64(208, true) & 1n) !== 0n,
    isDeleted: data.getUint32(216, true) === 0,
    uuid: data.byteLength >= 263 ? hex(data, 247) : "",
    snapshotOf: /^0*$/.test(parent) ? undefined : parent,
  };
}

/** Id of the subvolume that a mount without subvol= gets. */
export function defaultSubvolumeOf(fd: number): number {
  for (const { type, data } of search(fd, [ROOT_TREE_DIR, ROOT_TREE_DIR], [DIR_ITEM, DIR_ITEM])) {
    // struct btrfs_dir_item: the key of what it names (objectid u64 …), name_len u16 at 27, the name at 30
    if (type === DIR_ITEM && latin1(data, 30, data.getUint16(27, true)) === "default") {
      return Number(data.getBigUint64(0, true));
    }
  }
  return TOP_SUBVOLUME;
}

/** The root tree names the quota tree once quotas are enabled. */
export function hasQuotas(fd: number): boolean {
  const QUOTA_TREE = 8n;
  return !search(fd, [QUOTA_TREE, QUOTA_TREE], [ROOT_ITEM, ROOT_ITEM]).next().done;
}

interface Item {
  readonly objectid: bigint;
  readonly type: number;
  readonly offset: bigint;
  readonly data: DataView;
}

/**
 * Items of the root tree. struct btrfs_ioctl_search_args: tree, then the least and the greatest objectid, offset and
 * transaction (u64), the least and greatest type and the number of items (u32), and from 104 on the items found, each
 * with a header: transaction, objectid, offset (u64), type, length (u32).
 */
function* search(
  fd: number,
  [first, last]: readonly [bigint, bigint],
  [leastType, greatestType]: readonly [number, number],
): Generator<Item> {
  const bytes = new Uint8Array(ARGUMENT_BYTES), view = new DataView(bytes.buffer);
  let from = { objectid: first, type: leastType, offset: 0n };
  for (;;) {
    bytes.fill(0);
    const longs = [ROOT_TREE, from.objectid, last, from.offset, 2n ** 64n - 1n, 0n, 2n ** 64n - 1n];
    longs.forEach((value, i) => view.setBigUint64(i * 8, value, true));
    [from.type, greatestType, ARGUMENT_BYTES].forEach((value, i) => view.setUint32(56 + i * 4, value, true));
    if (c().ioctl(fd, IOC.TREE_SEARCH, bytes) !== 0) fail("list the subvolumes of");
    const count = view.getUint32(64, true);
    if (count === 0) return;
    for (let i = 0, at = 104; i < count; i++) {
      const [objectid, offset] = [view.getBigUint64(at + 8, true), view.getBigUint64(at + 16, true)];
      const [type, length] = [view.getUint32(at + 24, true), view.getUint32(at + 28, true)];
      // a copy: the buffer is used again
      yield { objectid, type, offset, data: new DataView(bytes.slice(at + 32, at + 32 + length).buffer) };
      from = { objectid, type, offset: offset + 1n };
      at += 32 + length;
    }
  }
}

/** struct btrfs_ioctl_ino_lookup_args: tree u64, inode u64, and from 16 on its path, with a slash at its end. */
function directoryPath(fd: number, { tree, inode }: { tree: bigint; inode: bigint }): string {
  if (inode === SUBVOLUME_INODE) return "";
  const { bytes } = lookUp(fd, { tree, inode });
  return Buffer.from(bytes.buffer, 16, bytes.indexOf(0, 16) - 16).toString("latin1");
}

/** Id of the subvolume that an open directory lies in. */
export function subvolumeIdOf(fd: number): number {
  return Number(lookUp(fd, { tree: 0n, inode: SUBVOLUME_INODE }).view.getBigUint64(0, true));
}

function lookUp(fd: number, { tree, inode }: { tree: bigint; inode: bigint }) {
  const bytes = new Uint8Array(ARGUMENT_BYTES), view = new DataView(bytes.buffer);
  view.setBigUint64(0, tree, true);
  view.setBigUint64(8, inode, true);
  if (c().ioctl(fd, IOC.INO_LOOKUP, bytes) !== 0) fail("find the subvolume of");
  return { bytes, view };
}

/** One kind of chunks: what they hold and how they are spread over devices, as bits of BTRFS_BLOCK_GROUP_*. */
export interface Space {
  readonly flags: bigint;
  readonly totalBytes: number;
  readonly usedBytes: number;
}

/** struct btrfs_ioctl_space_args: room and number of entries (u64), then flags, total and used (u64) of each. */
export function spacesOf(fd: number): Space[] {
  const MAX_SPACES = 64;
  const bytes = new Uint8Array(16 + MAX_SPACES * 24), view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(MAX_SPACES), true);
  if (c().ioctl(fd, IOC.SPACE_INFO, bytes) !== 0) fail("read the profiles of");
  return Array.from({ length: Math.min(MAX_SPACES, Number(view.getBigUint64(8, true))) }, (_, i) => {
    const [flags, total, used] = [0, 8, 16].map((at) => view.getBigUint64(16 + i * 24 + at, true));
    return { flags: flags as bigint, totalBytes: Number(total), usedBytes: Number(used) };
  });
}

/**
 * Makes the kernel forget all devices of file systems that are not mounted. It remembers an overwritten one, and takes
 * a new one with the same UUID for older than that. Does nothing before Linux 5.1, or if the kernel has no btrfs yet.
 */
export function forgetDevices(): void {
  let control: number;
  try {
    control = openAt(AT_FDCWD, "/dev/btrfs-control" as BytePath, { flags: O.RDWR });
  } catch {
    return;
  }
  c().ioctl(control, IOC.FORGET_DEV, new Uint8Array(ARGUMENT_BYTES));
  close(control);
}

/** Makes an empty subvolume with this name in an open directory. */
export function createSubvolume(directory: number, name: BytePath): void {
  const MAX_NAME_BYTES = 255, NAME_AT = 8;
  if (name.length > MAX_NAME_BYTES || name.includes("/")) throw new RangeError("not a subvolume's name");
  const bytes = new Uint8Array(ARGUMENT_BYTES);
  for (let i = 0; i < name.length; i++) bytes[NAME_AT + i] = name.charCodeAt(i);
  if (c().ioctl(directory, IOC.SUBVOL_CREATE, bytes) !== 0) fail("make the subvolume", name);
}

/** Whether the subvolume whose root is open is read-only; undefined if `fd` is not the root of a subvolume. */
export function isReadOnlySubvolume(fd: number): boolean | undefined {
  const flags = new BigUint64Array(1);
  if (c().ioctl(fd, IOC.SUBVOL_GETFLAGS, new Uint8Array(flags.buffer)) === 0) {
    return ((flags[0] ?? 0n) & READ_ONLY) !== 0n;
  }
  const EINVAL = 22, ENOTTY = 25, EOPNOTSUPP = 95;
  if ([EINVAL, ENOTTY, EOPNOTSUPP].includes(errno())) return undefined;
  fail("read the properties of the subvolume");
}

/** `fd`: its root. */
export function setSubvolumeReadOnly(fd: number, readOnly: boolean): void {
  const flags = new BigUint64Array([readOnly ? READ_ONLY : 0n]);
  if (c().ioctl(fd, IOC.SUBVOL_SETFLAGS, new Uint8Array(flags.buffer)) !== 0) {
    fail(`make ${readOnly ? "read-only" : "writable"} the subvolume`);
  }
}

/** Makes the subvolume that `fd` lies in the one that a mount without subvol= gets. */
export function makeDefaultSubvolume(fd: number): void {
  const id = new BigUint64Array([BigInt(subvolumeIdOf(fd))]);
  if (c().ioctl(fd, IOC.DEFAULT_SUBVOL, new Uint8Array(id.buffer)) !== 0) fail("make default the subvolume");
}

function latin1(data: DataView, at: number, length: number): string {
  return Buffer.from(data.buffer, data.byteOffset + at, length).toString("latin1");
}

function hex(data: DataView, at: number): string {
  return Buffer.from(data.buffer, data.byteOffset + at, 16).toString("hex");
}
