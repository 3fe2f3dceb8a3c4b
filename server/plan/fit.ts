/**
 * The size of every volume on the node's disks. Pure. Sizes flow from the partitions upwards, through arrays, LUKS and
 * LVM, to the file systems.
 */
import { RackseedError } from "#contract/errors.ts";
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import type { LogicalVolume, MdArray, VolumeGroup } from "#contract/format/volumes.ts";
import { poolMetadataBytes } from "./allocate_extents.ts";
import type { PlannedArray, PlannedEncrypted, PlannedGroup, PlannedLogical } from "./actions.ts";
import { refusal } from "./buildable.ts";
import { gigabytes } from "./choose_disk.ts";
import { type LeastSizes, LUKS_DATA_AT } from "./least_size.ts";
import { sizeArray } from "./md_geometry.ts";
import { dataAtOf, extentsIn, type GroupSize, sizeGroup } from "./size_group.ts";
import { sectorBytesOf, type VolumeTree } from "./tree.ts";

/** Where the sizes begin: the planned tables. */
export interface Ground {
  /** Of a partition, or of a disk without a table. */
  bytes(volume: Volume): number;
  /** Of the node's disk. */
  sectorBytes(disk: number): number;
}

export class Fit {
  readonly #arrays = new Map<string, PlannedArray>();
  readonly #groups = new Map<string, PlannedGroup>();
  readonly #tree: VolumeTree;

  constructor(
    readonly image: string,
    readonly least: LeastSizes,
    readonly ground: Ground,
  ) {
    this.#tree = least.tree;
  }

  /** Throws RackseedError if what it lies on is too small. */
  bytes(volume: Volume): number {
    switch (volume.kind) {
      case "partition":
      case "disk":
        return this.ground.bytes(volume);
      case "md":
        return this.array(volume.name).sizeBytes;
      case "luks":
        return this.encrypted(volume.name).sizeBytes;
      case "lv":
        return this.group(volume.group).logical.find((lv) => lv.name === volume.name)?.sizeBytes ?? 0;
    }
  }

  get tree(): VolumeTree {
    return this.#tree;
  }

  sectorBytes(volume: Volume): number {
    return sectorBytesOf(volume, { tree: this.#tree, ofDisk: this.ground.sectorBytes });
  }

  array(name: string): PlannedArray {
    const known = this.#arrays.get(name);
    if (known) return known;
    const planned = this.#planArray(expected(this.#tree.array(name)));
    this.#arrays.set(name, planned);
    return planned;
  }

  encrypted(name: string): PlannedEncrypted {
    const { on, uuid, label, cipher, keyBits, flags, ...encrypted } = expected(this.#tree.encrypted(name));
    const sectorBytes = Math.max(encrypted.sectorBytes, this.sectorBytes(on));
    const room = this.bytes(on) - LUKS_DATA_AT;
    const sizeBytes = Math.floor(room / sectorBytes) * sectorBytes;
    if (sizeBytes <= 0) throw this.#tooSmall({ kind: "luks", name }, LUKS_DATA_AT + MIB);
    return {
      name,
      on,
      uuid,
      label,
      cipher,
      keyBits,
      sectorBytes,
      flags,
      dataAtBytes: LUKS_DATA_AT,
      sizeBytes,
    };
  }

  group(name: string): PlannedGroup {
    const known = this.#groups.get(name);
    if (known) return known;
    const planned = this.#planGroup(expected(this.#tree.group(name)));
    this.#groups.set(name, planned);
    return planned;
  }

  #planArray(array: MdArray): PlannedArray {
    const { uuid, superblockName, metadata, level, chunkBytes, layout, bitmap, spares } = array;
    const size = sizeArray(
      array,
      [...array.members, ...spares].map((member) => ({
        bytes: this.bytes(member),
        before: this.#tree.sizeOf(member) ?? 0,
      })),
    );
    if (size.memberBytes <= 0 || size.sizeBytes <= 0) {
      throw this.#tooSmall({ kind: "md", name: array.name }, 2 * MIB);
    }
    const missing = Array.from({ length: array.slots - array.members.length }, () => "missing" as const);
    return {
      name: array.name,
      uuid,
      ...superblockName !== undefined && { superblockName },
      metadata,
      level,
      chunkBytes,
      ...layout !== undefined && { layout },
      bitmap,
      members: [...array.members, ...missing],
      spares,
      writeMostly: array.writeMostly ?? [],
      ...size,
    };
  }

  #planGroup(group: VolumeGroup): PlannedGroup {
    const { name, uuid, extentBytes, tags } = group;
    const sectors = new Set(group.physical.map(({ volume }) => this.sectorBytes(volume)));
    if (sectors.size > 1) {
      throw refusal(this.image, {
        reason: `the LVM group ${name} would lie on disks with sectors of different sizes (${
          [...sectors].join(" and ")
        } bytes), which LVM refuses.`,
        remedy: "use disks with sectors of one size.",
      });
    }
    const physical = group.physical.map((one) => ({
      volume: one.volume,
      uuid: one.uuid,
      dataAtBytes: dataAtOf(one),
      extents: extentsIn(one, { bytes: this.bytes(one.volume), extentBytes }),
    }));
    const size = sizeGroup(group, {
      room: physical.map(({ extents }) => extents),
      roomBefore: roomBefore(group, this.#tree),
      elastic: this.least.elastic(group),
    });
    if ("lacking" in size) {
      throw refusal(this.image, {
        reason: `the LVM group ${name} does not fit: ${
          gigabytes(size.lacking * extentBytes)
        } more are needed for its volumes.`,
        remedy: "use larger disks.",
      });
    }
    return {
      name,
      uuid,
      extentBytes,
      ...tags !== undefined && { tags },
      physical,
      logical: ordered(group.logical).map((lv) => plannedLogical(lv, { ...size, extentBytes })),
    };
  }

  #tooSmall(volume: Volume, neededBytes: number): RackseedError {
    return refusal(this.image, {
      reason: `${describeVolume(volume)} would lie on less than ${gigabytes(neededBytes)}.`,
      remedy: "use larger disks.",
    });
  }
}

const MIB = 1 << 20;

function roomBefore(group: VolumeGroup, tree: VolumeTree): number[] {
  const { extentBytes } = group;
  return group.physical.map((physical) =>
    Math.min(
      extentsIn(physical, { bytes: tree.sizeOf(physical.volume) ?? 0, extentBytes }),
      Math.floor(physical.sizeBytes / extentBytes),
    )
  );
}

/** Pools before the volumes in them; volumes that need several physical volumes at once first, as they are allocated. */
function ordered(logical: readonly LogicalVolume[]): LogicalVolume[] {
  const rank = ({ type }: LogicalVolume) => type === "thin" ? 1 : 0;
  return logical.toSorted((a, b) => rank(a) - rank(b));
}

function plannedLogical(
  volume: LogicalVolume,
  { sizes, allocation, extentBytes }: GroupSize & { readonly extentBytes: number },
): PlannedLogical {
  const { obstacle: _, on: __, type, ...lv } = volume;
  if (type === "other") throw new RangeError(`${lv.name} is of a kind that is not made`);
  const sizeBytes = sizes.get(lv.name) ?? lv.sizeBytes;
  const metadata = poolMetadataBytes(volume, sizeBytes);
  return {
    ...lv,
    type,
    sizeBytes,
    ...type === "thin-pool" && { metadataBytes: Math.ceil(metadata / extentBytes) * extentBytes },
    extents: allocation.get(lv.name) ?? [],
  };
}

/** The layout was proven before: what refers to a volume finds it. */
function expected<T>(found: T | undefined): T {
  if (found === undefined) throw new RangeError("the layout has no such volume");
  return found;
}
