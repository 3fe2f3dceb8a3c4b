/**
 * Arguments of mkfs.vfat(8) for a file system like the template's. Firmware derives a FAT's width from the number of
 * clusters (Microsoft's "FAT32 File System Specification", 1.03, §3.5), so the two must agree. Pure.
 */
import type { FatProperties } from "#contract/format/file_system_properties.ts";
import type { FileSystem } from "#contract/format/layout.ts";

type FatBits = 12 | 16 | 32;

/** The smallest numbers of clusters of FAT16 and of FAT32. */
const FAT16_CLUSTERS = 4085, FAT32_CLUSTERS = 65_525;
/** Distance to keep from both: some programs count differently. */
const MARGIN = 16;
const WIDTHS = [32, 16, 12] as const;
/** In sectors. */
const CLUSTER_SIZES = [1, 2, 4, 8, 16, 32, 64, 128] as const;
const MAX_SECTORS_PER_CLUSTER = 128;
const ROOT_ENTRY_BYTES = 32;

interface FatShape {
  readonly bits: FatBits;
  readonly sectorBytes: number;
  readonly sectorsPerCluster: number;
}

interface Room {
  readonly sizeBytes: number;
  /** Of the disk. */
  readonly sectorBytes: number;
  /** Of the template's disk. */
  readonly sectorBytesBefore: number;
}

export function mkfsVfatArgv(
  { uuid, label, mkfs }: FileSystem,
  room: Room,
): [string, ...string[]] {
  const { fat, fatBits } = mkfs;
  const shape = fatBits && fatShape({ bits: fatBits, fat }, room);
  // without the template's properties, mkfs.vfat's own choice is kept if it is right
  const isChosen = shape && (fat || shape.bits !== fatBits || !isUsual(shape, room));
  return [
    "mkfs.vfat",
    ...shape ? ["-F", String(shape.bits)] : [],
    ...isChosen ? ["-S", String(shape.sectorBytes), "-s", String(shape.sectorsPerCluster)] : [],
    ...fat && shape ? fatArgs(fat, shape, fatBits) : [],
    ...uuid && /^[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}$/.test(uuid) ? ["-i", uuid.replace("-", "")] : [],
    ...label ? ["-n", label] : [],
  ];
}

/** Why it does not have the template's width, as text; undefined if it does. */
export function narrowed({ mkfs: { fat, fatBits } }: FileSystem, room: Room): string | undefined {
  const { bits } = (fatBits && fatShape({ bits: fatBits, fat }, room)) || {};
  if (bits === fatBits) return undefined;
  return `as FAT${bits}, since it would have too few clusters for FAT${fatBits}`;
}

function fatArgs(fat: FatProperties, { bits }: FatShape, before: FatBits): string[] {
  return [
    ...["-f", String(fat.fats)],
    // the start of a FAT of another width is laid out differently
    ...bits === before ? ["-R", String(fat.reservedSectors)] : [],
    ...bits === before && bits !== 32 ? ["-r", String(fat.rootEntries)] : [],
    ...bits === before && fat.backupSector ? ["-b", String(fat.backupSector)] : [],
    // the usual values are the defaults of every version of mkfs.vfat
    ...fat.media === 0xf8 ? [] : ["-M", `0x${fat.media.toString(16)}`],
    ...fat.driveNumber === 0x80 ? [] : ["-D", `0x${fat.driveNumber.toString(16)}`],
    ...fat.hiddenSectors === undefined ? [] : ["-h", String(fat.hiddenSectors)],
  ];
}

/**
 * The template's shape, unless the disk's sectors are larger or the FAT's width and the number of clusters would
 * contradict each other. Then the clusters get smaller, or else the FAT narrower.
 */
function fatShape(
  { bits, fat }: { bits: FatBits; fat: FatProperties | undefined },
  { sizeBytes, sectorBytes, sectorBytesBefore }: Room,
): FatShape {
  // somebody may have chosen sectors larger than the disk's
  const chosen = fat && fat.sectorBytes !== sectorBytesBefore ? fat.sectorBytes : 0;
  const sector = Math.max(chosen, sectorBytes);
  if (fat && sector === fat.sectorBytes && widthOf(fat.clusters) === bits) {
    const { sectorsPerCluster } = fat;
    const most = Math.floor(sizeBytes / sector / sectorsPerCluster);
    if (bits === 32 || widthOf(most) === bits) return { bits, sectorBytes: sector, sectorsPerCluster };
  }
  const clusterBytes = fat ? fat.sectorBytes * fat.sectorsPerCluster : usualClusterBytes(bits, sizeBytes);
  const wanted = Math.min(MAX_SECTORS_PER_CLUSTER, Math.max(1, Math.floor(clusterBytes / sector)));
  for (const width of WIDTHS.filter((width) => width <= bits)) {
    const sizes = CLUSTER_SIZES.toSorted((a, b) => preference(a, wanted) - preference(b, wanted));
    for (const sectorsPerCluster of sizes) {
      const shape = { bits: width, sectorBytes: sector, sectorsPerCluster };
      if (agrees(shape, { sizeBytes, fat })) return shape;
    }
  }
  // so small or large that no width fits: like the template
  return { bits, sectorBytes: sector, sectorsPerCluster: wanted };
}

function widthOf(clusters: number): FatBits {
  return clusters < FAT16_CLUSTERS ? 12 : clusters < FAT32_CLUSTERS ? 16 : 32;
}

/** The wanted size first, then smaller ones, then larger ones. */
function preference(sectors: number, wanted: number): number {
  return sectors <= wanted ? wanted - sectors : MAX_SECTORS_PER_CLUSTER + sectors;
}

function agrees(
  { bits, sectorBytes, sectorsPerCluster }: FatShape,
  { sizeBytes, fat }: { sizeBytes: number; fat: FatProperties | undefined },
): boolean {
  const sectors = Math.floor(sizeBytes / sectorBytes);
  const reserved = fat?.reservedSectors ?? (bits === 32 ? 32 : 1);
  const root = bits === 32 ? 0 : Math.ceil((fat?.rootEntries || 512) * ROOT_ENTRY_BYTES / sectorBytes);
  // mkfs.vfat aligns each part to whole clusters
  const most = Math.floor((sectors - reserved - root) / sectorsPerCluster);
  const tables = (fat?.fats ?? 2) * Math.ceil(most * bits / 8 / sectorBytes);
  const least = Math.floor((sectors - reserved - root - tables) / sectorsPerCluster) - 4 * (fat?.fats ?? 2);
  return least > 0 && widthOf(least - MARGIN) === bits && widthOf(most + MARGIN) === bits;
}

function isUsual({ bits, sectorBytes, sectorsPerCluster }: FatShape, { sizeBytes, ...room }: Room): boolean {
  return sectorBytes === room.sectorBytesBefore &&
    sectorBytes * sectorsPerCluster === usualClusterBytes(bits, sizeBytes);
}

/** What mkfs.fat 4.2 chooses; for templates whose cluster size is unknown. */
function usualClusterBytes(bits: FatBits, sizeBytes: number): number {
  const MIB = 1 << 20, GIB = 1024 * MIB;
  if (bits !== 32) return 2048;
  const steps = [[260 * MIB, 512], [8 * GIB, 4096], [16 * GIB, 8192], [32 * GIB, 16_384]] as const;
  return steps.find(([upTo]) => sizeBytes <= upTo)?.[1] ?? 32_768;
}
