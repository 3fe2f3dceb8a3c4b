/** How a file system is made again: the template's parameters, fitted to the room there is. Pure. */
import type { FileSystem, SwapArea, Volume } from "#contract/layout.ts";

/** A place that this version can fill. */
export type Place = Extract<Volume, { kind: "partition" | "disk" }>;

export interface Formatting {
  readonly place: Place;
  readonly type: string;
  readonly sizeBytes: number;
  readonly mountPoint?: string;
  readonly uuid?: string | undefined;
  readonly label?: string | undefined;
  /** Program and its arguments, without the device, which comes last. */
  readonly argv: readonly [string, ...string[]];
}

const MIB = 1 << 20;

export function canResize({ type }: Pick<FileSystem, "type">): boolean {
  return /^(ext[234]|xfs)$/.test(type);
}

/** Least room for what the template has in it: its data, a tenth for growth and packing, tables and journal. */
export function minimumBytes(fileSystem: FileSystem, { entries }: { entries: number }): number {
  const { usedBytes, sizeBytes, mkfs } = fileSystem;
  const tables = /^ext/.test(fileSystem.type) ? inodesFor(fileSystem, { sizeBytes: usedBytes, entries }) : 0;
  const needed = Math.ceil(usedBytes * 1.1) + tables * (mkfs.inodeBytes ?? 256) + 160 * MIB;
  return Math.min(sizeBytes, needed);
}

export function formatFileSystem(
  fileSystem: FileSystem,
  { place, sizeBytes, entries }: { place: Place; sizeBytes: number; entries: number },
): Formatting {
  const { type, uuid, label, mountPoint } = fileSystem;
  return {
    place,
    type,
    sizeBytes,
    mountPoint,
    uuid,
    label,
    argv: argvOf(fileSystem, { sizeBytes, entries }),
  };
}

export function formatSwap({ uuid, label }: SwapArea, place: Place, sizeBytes: number): Formatting {
  return {
    place,
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

function argvOf(
  fileSystem: FileSystem,
  { sizeBytes, entries }: { sizeBytes: number; entries: number },
): [string, ...string[]] {
  const { type, uuid, label, mkfs } = fileSystem;
  switch (type) {
    case "ext2":
    case "ext3":
    case "ext4": {
      const inodes = inodesFor(fileSystem, { sizeBytes, entries });
      return [
        "mkfs.ext4",
        "-q",
        "-F",
        "-F",
        // the type chooses defaults of mke2fs.conf; the features are the template's alone
        ...["-t", type],
        ...mkfs.features.length > 0 ? ["-O", ["none", ...mkfs.features].join(",")] : [],
        ...mkfs.blockBytes ? ["-b", String(mkfs.blockBytes)] : [],
        ...mkfs.inodeBytes ? ["-I", String(mkfs.inodeBytes)] : [],
        ...inodes > 0 ? ["-N", String(inodes)] : [],
        ...uuid ? ["-U", uuid] : [],
        ...label ? ["-L", label] : [],
      ];
    }
    case "vfat":
      return [
        "mkfs.vfat",
        ...mkfs.fatBits ? ["-F", String(mkfs.fatBits)] : [],
        ...uuid && /^[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}$/.test(uuid) ? ["-i", uuid.replace("-", "")] : [],
        ...label ? ["-n", label] : [],
      ];
    case "xfs":
      return ["mkfs.xfs", "-q", "-f", ...uuid ? ["-m", `uuid=${uuid}`] : [], ...label ? ["-L", label] : []];
    default:
      throw new RangeError(`no way to make ${type}`);
  }
}
