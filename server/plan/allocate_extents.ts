/**
 * Which extents of a group's physical volumes each logical volume gets. Pure. LVM is later told these ranges, so its
 * own allocator has no choice to make, and cannot find too little room.
 */
import type { LogicalVolume } from "#contract/format/volumes.ts";

const KIB = 1024, MIB = 1 << 20;

export interface ExtentRange {
  /** Index in the group's `physical`. */
  readonly on: number;
  readonly first: number;
  readonly count: number;
}

/** A logical volume in a size that is to be tried. */
export interface WantedVolume {
  readonly volume: LogicalVolume;
  /** Of data: what the volume shows. */
  readonly extents: number;
}

export type Allocation = ReadonlyMap<string, readonly ExtentRange[]>;

/** On how many physical volumes a volume lies at the same time; 1 may also span several. */
export function imagesOf({ type, stripes = 1, copies = 2 }: LogicalVolume): number {
  switch (type) {
    case "striped":
      return stripes;
    case "mirror":
    case "raid1":
      return copies;
    case "raid4":
    case "raid5":
      return stripes + 1;
    case "raid6":
      return stripes + 2;
    case "raid10":
      return stripes * copies;
    default:
      return 1;
  }
}

/** Its size is a multiple of so many extents. */
export function extentStep({ type, stripes = 1 }: LogicalVolume): number {
  return ["striped", "raid4", "raid5", "raid6", "raid10"].includes(type) ? stripes : 1;
}

/** Extents of one image, with its own metadata. */
function imageExtents({ volume, extents }: WantedVolume, extentBytes: number): number {
  const data = Math.ceil(extents / extentStep(volume));
  if (/^raid\d/.test(volume.type)) return data + raidMetadataExtents(extents * extentBytes, extentBytes);
  // lvmraid(7): the old kind of mirror has a log, which may lie on any of its volumes
  return volume.type === "mirror" ? data + 1 : data;
}

/** A superblock and a bit for each region of the default size; LVM keeps their number below 2^21. */
function raidMetadataExtents(bytes: number, extentBytes: number): number {
  const REGION = 2 * MIB, MOST_REGIONS = 2 ** 21, SUPERBLOCK = 8 * KIB;
  const regions = Math.min(MOST_REGIONS, Math.ceil(bytes / REGION));
  return Math.ceil((SUPERBLOCK + Math.ceil(regions / 8)) / extentBytes);
}

/** Of a pool in this size: the template's, or lvmthin(7)'s 64 bytes a chunk if a larger pool needs more. */
export function poolMetadataBytes(
  { metadataBytes = 0, chunkBytes = 64 * KIB, sizeBytes }: LogicalVolume,
  dataBytes: number,
): number {
  // lvcreate(8) accepts no less, dm-thin no more
  const LEAST = 2 * MIB, MOST = 15 * 1024 * MIB;
  const isLarger = metadataBytes === 0 || dataBytes > sizeBytes;
  const usual = isLarger ? Math.min(MOST, Math.ceil(dataBytes / chunkBytes) * 64) : 0;
  return Math.max(LEAST, metadataBytes, usual);
}

/** Extents of a pool with its metadata; LVM keeps a spare as large as the largest metadata of the group. */
function poolExtents(
  { volume, extents }: WantedVolume,
  { extentBytes, spare }: { extentBytes: number; spare: number },
): { total: number; metadata: number } {
  const metadata = Math.ceil(poolMetadataBytes(volume, extents * extentBytes) / extentBytes);
  return { total: extents + metadata + Math.max(0, metadata - spare), metadata };
}

/** Number of extents that all of them take together, on physical volumes of any size. */
export function extentsTaken(wanted: readonly WantedVolume[], extentBytes: number): number {
  let spare = 0, taken = 0;
  for (const one of wanted) {
    if (one.volume.type === "thin") continue;
    if (one.volume.type === "thin-pool") {
      const { total, metadata } = poolExtents(one, { extentBytes, spare });
      taken += total;
      spare = Math.max(spare, metadata);
    } else {
      taken += imagesOf(one.volume) * imageExtents(one, extentBytes);
    }
  }
  return taken;
}

/** `room`: extents of each physical volume. Undefined if there are too few. */
export function allocate(
  wanted: readonly WantedVolume[],
  { room, extentBytes }: { room: readonly number[]; extentBytes: number },
): Allocation | undefined {
  // first where the template has them; if sizes differ too much for that, where the most room is
  return allocateBy(wanted, { room, extentBytes, likeTemplate: true }) ??
    allocateBy(wanted, { room, extentBytes, likeTemplate: false });
}

function allocateBy(
  wanted: readonly WantedVolume[],
  { room, extentBytes, likeTemplate }: {
    room: readonly number[];
    extentBytes: number;
    likeTemplate: boolean;
  },
): Allocation | undefined {
  const next = room.map(() => 0);
  const free = (on: number) => (room[on] ?? 0) - (next[on] ?? 0);
  const take = (on: number, count: number): ExtentRange => {
    const first = next[on] ?? 0;
    next[on] = first + count;
    return { on, first, count };
  };
  const found = new Map<string, readonly ExtentRange[]>();
  let spare = 0;
  // volumes that need several physical volumes at once come first: the others can use what is left anywhere
  for (const one of wanted.toSorted((a, b) => parallel(b.volume) - parallel(a.volume))) {
    const { volume } = one;
    if (volume.type === "thin") {
      found.set(volume.name, []);
      continue;
    }
    const order = preferred(volume, { count: room.length, free, likeTemplate });
    const images = imagesOf(volume);
    if (images > 1) {
      const each = imageExtents(one, extentBytes);
      const chosen = order.filter((on) => free(on) >= each).slice(0, images);
      if (chosen.length < images) return undefined;
      found.set(volume.name, chosen.map((on) => take(on, each)));
      continue;
    }
    let rest = imageExtents(one, extentBytes);
    if (volume.type === "thin-pool") {
      const pool = poolExtents(one, { extentBytes, spare });
      rest = pool.total;
      spare = Math.max(spare, pool.metadata);
    }
    const ranges: ExtentRange[] = [];
    for (const on of order) {
      const count = Math.min(rest, free(on));
      if (count > 0) ranges.push(take(on, count));
      rest -= count;
    }
    if (rest > 0) return undefined;
    found.set(volume.name, ranges);
  }
  return found;
}

function parallel(volume: LogicalVolume): number {
  return imagesOf(volume) > 1 ? 1 : 0;
}

function preferred(
  { on = [] }: LogicalVolume,
  { count, free, likeTemplate }: { count: number; free: (on: number) => number; likeTemplate: boolean },
): number[] {
  const all = Array.from({ length: count }, (_, i) => i);
  if (!likeTemplate) return all.sort((a, b) => free(b) - free(a) || a - b);
  const own = [...new Set(on)].filter((i) => i < count);
  return [...own, ...all.filter((i) => !own.includes(i))];
}
