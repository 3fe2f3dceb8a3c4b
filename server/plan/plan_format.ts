/** How to make a file system: the template's parameters, fitted to the available room. Pure. */
import type { FileSystem, SwapArea, Volume } from "#contract/format/layout.ts";
import { mountPointsOf } from "#contract/format/subvolume_places.ts";
import { mke2fsArgv, tune2fsArgv } from "./plan_ext.ts";
import { leastBtrfsBytes, mkfsBtrfsArgv, plannedSubvolumes, type SubvolumePlan } from "./plan_btrfs.ts";
import { LEAST_F2FS_BYTES, mkfsF2fsArgv } from "./plan_f2fs.ts";
import { mkfsVfatArgv, narrowed } from "./plan_fat.ts";
import { mkfsXfsArgv } from "./plan_xfs.ts";

export interface Formatting {
  readonly volume: Volume;
  readonly type: string;
  readonly sizeBytes: number;
  readonly mountPoint?: string;
  /** btrfs: of its subvolumes. */
  readonly otherMountPoints?: readonly string[];
  readonly uuid?: string | undefined;
  readonly label?: string | undefined;
  /** The other devices of a btrfs that spans several. */
  readonly more?: readonly Volume[];
  /** The program and its arguments; the devices are appended. */
  readonly argv: readonly [string, ...string[]];
  /** The same for the properties that are set afterwards, and can be set again on a full file system. */
  readonly tuning?: readonly [string, ...string[]];
  /** How it differs from the template's, as text. */
  readonly remark?: string;
  /** btrfs: made once the file system is. */
  readonly subvolumes?: SubvolumePlan;
}

/** Where a file system goes. */
interface Room {
  readonly sizeBytes: number;
  /** Of the node's disk, and of the template's. */
  readonly sectorBytes: number;
  readonly sectorBytesBefore: number;
  /** Number of the image's entries. */
  readonly entries: number;
}

const MIB = 1 << 20;
/** mkfs.xfs(8) since xfsprogs 5.19. */
const XFS_LEAST_BYTES = 300 * MIB;

export function canResize({ type }: Pick<FileSystem, "type">): boolean {
  return /^(ext[234]|xfs|btrfs|f2fs)$/.test(type);
}

/** The least room for the template's content: its data, a tenth for growth and packing, tables and journal. */
export function minimumBytes(fileSystem: FileSystem, { entries }: { entries: number }): number {
  const { sizeBytes, mkfs, unsharedBytes = 0 } = fileSystem;
  const usedBytes = Math.max(fileSystem.usedBytes, unsharedBytes);
  const tables = /^ext/.test(fileSystem.type) ? inodesFor(fileSystem, { sizeBytes: usedBytes, entries }) : 0;
  // a journal of the default size is small in a small file system
  const journal = (mkfs.ext?.journalBlocks ?? 0) * (mkfs.blockBytes ?? 4096);
  const needed = Math.ceil(usedBytes * 1.1) + tables * (mkfs.inodeBytes ?? 256) + journal + 160 * MIB;
  return Math.max(unsharedBytes, Math.min(sizeBytes, Math.max(needed, leastBytes(fileSystem))));
}

/** What the programs that make a file system refuse to go below. */
function leastBytes(fileSystem: FileSystem): number {
  switch (fileSystem.type) {
    case "xfs":
      return XFS_LEAST_BYTES;
    case "btrfs":
      return leastBtrfsBytes(fileSystem);
    case "f2fs":
      return LEAST_F2FS_BYTES;
    default:
      return 0;
  }
}

export function formatFileSystem(fileSystem: FileSystem, room: Room): Formatting {
  const { volume, more, type, uuid, label, mountPoint, mkfs: { ext, blockBytes = 4096 } } = fileSystem;
  const { sizeBytes } = room;
  const subvolumes = plannedSubvolumes(fileSystem), [, ...others] = mountPointsOf(fileSystem);
  const remark = type === "vfat" ? narrowed(fileSystem, room) : undefined;
  return {
    volume,
    type,
    sizeBytes,
    mountPoint,
    uuid,
    label,
    ...(others.length > 0 && { otherMountPoints: others }),
    ...(more && { more }),
    argv: argvOf(fileSystem, room),
    ...(remark !== undefined && { remark }),
    ...(subvolumes && { subvolumes }),
    ...(ext && { tuning: tune2fsArgv(ext, { sizeBytes, blockBytes }) }),
  };
}

export function formatSwap({ volume, uuid, label }: SwapArea, sizeBytes: number): Formatting {
  return {
    volume,
    type: "swap",
    sizeBytes,
    uuid,
    label,
    argv: ["mkswap", "--force", ...uuid ? ["--uuid", uuid] : [], ...label ? ["--label", label] : []],
  };
}

/** The same ratio of inodes to bytes as on the template, and never fewer than its entries need. */
function inodesFor(
  { sizeBytes: before, mkfs: { inodes = 0 } }: FileSystem,
  { sizeBytes, entries }: { sizeBytes: number; entries: number },
): number {
  const scaled = Math.round(inodes * sizeBytes / Math.max(1, before));
  return Math.max(scaled, Math.min(inodes, Math.ceil(entries * 1.25) + 1024));
}

function argvOf(fileSystem: FileSystem, room: Room): readonly [string, ...string[]] {
  const { sizeBytes } = room;
  switch (fileSystem.type) {
    case "ext2":
    case "ext3":
    case "ext4":
      return mke2fsArgv(fileSystem, { sizeBytes, inodes: inodesFor(fileSystem, room) });
    case "vfat":
      return mkfsVfatArgv(fileSystem, room);
    case "xfs":
      return mkfsXfsArgv(fileSystem, room);
    case "btrfs":
      return mkfsBtrfsArgv(fileSystem);
    case "f2fs":
      return mkfsF2fsArgv(fileSystem);
    default:
      throw new RangeError(`no way to make ${fileSystem.type}`);
  }
}
