/** Sizes of the logical volumes of a group on physical volumes of other sizes. Pure. */
import type { LogicalVolume, VolumeGroup } from "#contract/format/volumes.ts";
import {
  allocate,
  type Allocation,
  extentsTaken,
  extentStep,
  imagesOf,
  type WantedVolume,
} from "./allocate_extents.ts";

const MIB = 1 << 20;
/** pvcreate(8): LVM's own default for the first extent. */
const USUAL_DATA_AT = MIB;

export function dataAtOf({ dataAtBytes = USUAL_DATA_AT }: VolumeGroup["physical"][number]): number {
  // its header and metadata lie before the data
  return dataAtBytes >= 8192 ? dataAtBytes : USUAL_DATA_AT;
}

/** Extents of a physical volume on a volume of this size. */
export function extentsIn(
  physical: VolumeGroup["physical"][number],
  { bytes, extentBytes }: { bytes: number; extentBytes: number },
): number {
  return Math.max(0, Math.floor((bytes - dataAtOf(physical)) / extentBytes));
}

/** A volume that may change its size. The first of a list is the one that grows. */
export interface Elastic {
  readonly name: string;
  /** Least size, in bytes. */
  readonly leastBytes: number;
}

export interface GroupSize {
  /** In bytes, by name. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly allocation: Allocation;
}

/**
 * A larger group keeps as many free extents as the template's, and the first elastic volume gets the rest. A smaller
 * one loses its free extents first, then the elastic volumes shrink one after the other.
 * `room`, `roomBefore`: extents of each physical volume here and on the template. Returns how many extents are lacking
 * if even that is not enough.
 */
export function sizeGroup(
  { logical, extentBytes }: Pick<VolumeGroup, "logical" | "extentBytes">,
  { room, roomBefore, elastic }: {
    room: readonly number[];
    roomBefore: readonly number[];
    elastic: readonly Elastic[];
  },
): GroupSize | { readonly lacking: number } {
  const wanted = logical.map((volume): WantedVolume => ({
    volume,
    extents: roundUp(Math.ceil(volume.sizeBytes / extentBytes), extentStep(volume)),
  }));
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const attempt = (tried: readonly WantedVolume[]) => allocate(tried, { room, extentBytes });
  const total = sum(room);
  const usual = attempt(wanted);
  if (usual) {
    const [first] = elastic;
    const keepFree = Math.max(0, sum(roomBefore) - extentsTaken(wanted, extentBytes));
    const grown = first && largest(wanted, {
      name: first.name,
      from: undefined,
      to: total,
      accept: (tried) => extentsTaken(tried, extentBytes) + keepFree <= total && attempt(tried) !== undefined,
    });
    return result(grown ?? wanted, { extentBytes, attempt });
  }
  let tried: readonly WantedVolume[] = wanted;
  for (const { name, leastBytes } of elastic) {
    const fitted = largest(tried, {
      name,
      from: Math.ceil(leastBytes / extentBytes),
      to: tried.find(({ volume }) => volume.name === name)?.extents ?? 0,
      accept: (one) => attempt(one) !== undefined,
    });
    if (fitted) return result(fitted, { extentBytes, attempt });
    tried = withExtents(tried, name, Math.ceil(leastBytes / extentBytes));
  }
  return { lacking: Math.max(1, extentsTaken(tried, extentBytes) - total) };
}

/** Least extents of the whole group. */
export function leastExtents(
  { logical, extentBytes }: Pick<VolumeGroup, "logical" | "extentBytes">,
  elastic: readonly Elastic[],
): number {
  const wanted = logical.map((volume): WantedVolume => {
    const least = elastic.find(({ name }) => name === volume.name)?.leastBytes ?? volume.sizeBytes;
    const bytes = Math.min(volume.sizeBytes, least);
    return { volume, extents: roundUp(Math.ceil(bytes / extentBytes), extentStep(volume)) };
  });
  return extentsTaken(wanted, extentBytes);
}

/** Least extents of each physical volume, if volumes lie on all of them at once. */
export function leastExtentsOfEach(
  { logical, extentBytes, physical }: Pick<VolumeGroup, "logical" | "extentBytes" | "physical">,
  elastic: readonly Elastic[],
): number {
  const everywhere = logical.filter((volume) => imagesOf(volume) === physical.length);
  return Math.floor(leastExtents({ logical: everywhere, extentBytes }, elastic) / physical.length);
}

/** The largest accepted size of one volume, by halving; undefined if not even the smallest is. */
function largest(
  wanted: readonly WantedVolume[],
  { name, from, to, accept }: {
    name: string;
    /** Absent: its present size. */
    from: number | undefined;
    to: number;
    accept: (tried: readonly WantedVolume[]) => boolean;
  },
): readonly WantedVolume[] | undefined {
  const present = wanted.find(({ volume }) => volume.name === name);
  if (present === undefined) return undefined;
  const step = extentStep(present.volume);
  let low = Math.ceil(Math.min(from ?? present.extents, present.extents) / step);
  let high = Math.max(low, Math.floor(to / step));
  const at = (steps: number) => withExtents(wanted, name, steps * step);
  if (!accept(at(low))) return undefined;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (accept(at(middle))) low = middle;
    else high = middle - 1;
  }
  return at(low);
}

function withExtents(
  wanted: readonly WantedVolume[],
  name: string,
  extents: number,
): readonly WantedVolume[] {
  return wanted.map((one) => {
    if (one.volume.name !== name) return one;
    return { volume: one.volume, extents: roundUp(Math.max(1, extents), extentStep(one.volume)) };
  });
}

function result(
  wanted: readonly WantedVolume[],
  { extentBytes, attempt }: {
    extentBytes: number;
    attempt: (tried: readonly WantedVolume[]) => Allocation | undefined;
  },
): GroupSize {
  const allocation = attempt(wanted);
  if (allocation === undefined) throw new RangeError("a size was accepted that does not fit");
  const sizeOf = ({ type, sizeBytes }: LogicalVolume, extents: number) =>
    // its size is a promise of its pool, and costs no extents
    type === "thin" ? sizeBytes : extents * extentBytes;
  return {
    sizes: new Map(wanted.map(({ volume, extents }) => [volume.name, sizeOf(volume, extents)])),
    allocation,
  };
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
