/** What a plan consists of: actions in the order in which they are carried out. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout, SwapFile } from "#contract/format/layout.ts";
import type { Encrypted, LogicalVolume, MdArray, Volume, VolumeGroup } from "#contract/format/volumes.ts";
import type { ExtentRange } from "./allocate_extents.ts";
import type { BootLoaderPlan } from "./plan_boot_loader.ts";
import type { Formatting } from "./plan_format.ts";
import type { PlannedGpt, PlannedPartition } from "./plan_table.ts";

export type Action =
  /** Zeroes whatever earlier systems left there: signatures, superblocks, backup tables. */
  | {
    readonly do: "wipe";
    /** Number of the disk in the layout, here and below. */
    readonly disk: number;
    /** In order, apart, and inside the disk. */
    readonly ranges: readonly ByteRange[];
  }
  | {
    readonly do: "partition";
    readonly disk: number;
    readonly table: "gpt" | "dos";
    readonly id?: string | undefined;
    readonly sectorBytes: number;
    readonly partitions: readonly PlannedPartition[];
    readonly grown?: number | undefined;
    readonly gpt?: PlannedGpt | undefined;
  }
  /** For a volume on the whole disk: erases the signatures there. */
  | { readonly do: "erase"; readonly disk: number }
  | { readonly do: "md"; readonly array: PlannedArray }
  | { readonly do: "luks"; readonly encrypted: PlannedEncrypted }
  /** Physical volumes, the group on them, and its logical volumes. */
  | { readonly do: "lvm"; readonly group: PlannedGroup }
  | { readonly do: "format"; readonly formatting: Formatting }
  /** Parents first. */
  | {
    readonly do: "mount";
    readonly volume: Volume;
    /** The other devices of a btrfs that spans several. */
    readonly more?: readonly Volume[];
    readonly type: string;
    readonly mountPoint: string;
    /** For mount(8): "subvol=@home,compress=zstd". */
    readonly options?: string;
  }
  /** Part of the template's used bytes, so the choice of a disk counts it, too. */
  | { readonly do: "swap-file"; readonly file: SwapFile }
  | { readonly do: "boot-loader"; readonly bootLoader: BootLoaderPlan };

export type ActionOf<Do extends Action["do"]> = Extract<Action, { do: Do }>;

export interface ByteRange {
  readonly at: number;
  readonly bytes: number;
}

/** An array in its size on this machine. */
export interface PlannedArray extends
  Pick<
    MdArray,
    "name" | "uuid" | "superblockName" | "metadata" | "level" | "chunkBytes" | "layout" | "bitmap"
  > {
  /** By slot; "missing" if this machine has no disk for it. */
  readonly members: readonly (Volume | "missing")[];
  readonly spares: readonly Volume[];
  readonly writeMostly: readonly Volume[];
  /** Of one member that the array uses, for mdadm --size; levels without redundancy take none. */
  readonly memberBytes: number;
  /** Where a member's data begins, for mdadm --data-offset; absent for metadata 1.0, which has it at the start. */
  readonly dataAtBytes?: number;
  readonly sizeBytes: number;
}

export interface PlannedEncrypted
  extends Pick<Encrypted, "name" | "on" | "uuid" | "label" | "cipher" | "keyBits" | "sectorBytes" | "flags"> {
  /** Where its data begins, for cryptsetup --offset. */
  readonly dataAtBytes: number;
  /** Of the opened device. */
  readonly sizeBytes: number;
}

export interface PlannedGroup extends Pick<VolumeGroup, "name" | "uuid" | "extentBytes" | "tags"> {
  readonly physical: readonly {
    readonly volume: Volume;
    readonly uuid: string;
    /** For pvcreate --dataalignment. */
    readonly dataAtBytes: number;
    /** Number of extents that it has for logical volumes. */
    readonly extents: number;
  }[];
  /** Pools before the thin volumes in them. */
  readonly logical: readonly PlannedLogical[];
}

/** Sizes are multiples of the group's extent. */
export interface PlannedLogical extends Omit<LogicalVolume, "obstacle" | "type" | "on"> {
  readonly type: Exclude<LogicalVolume["type"], "other">;
  /**
   * The extents that it gets, with its metadata and that of its pool: `lvcreate … GROUP PV:first-last …`. Exact, so
   * that what the plan promises cannot fail for want of room. Empty for a thin volume.
   */
  readonly extents: readonly ExtentRange[];
}

/** A disk of the machine, and the one of the layout that it becomes. */
export interface PlannedDisk {
  /** In the layout. */
  readonly number: number;
  readonly facts: DiskFacts;
  /** Why this one, as text. */
  readonly because: string;
}

/** What the template has and this machine does not get: it lies on data disks that nobody named. */
export interface LeftAlone {
  /** Of its file systems. Nothing of the image is written at or below them. */
  readonly mountPoints: readonly string[];
  /** Disks of the machine that nothing is written to, and what the clone lacks; for people. */
  readonly notes: readonly string[];
}

export interface Plan {
  /** "web@3" */
  readonly image: string;
  /** Those that are overwritten; disk 0 of the layout first. */
  readonly disks: readonly PlannedDisk[];
  readonly left: LeftAlone;
  /** What differs from the template, as text: the number of disks in a mirror. */
  readonly notes: readonly string[];
  /** The layout as it becomes: without what is left alone, and with the disks that its mirrors get. */
  readonly layout: DiskLayout;
  readonly actions: readonly Action[];
}

/** All actions of one kind. */
export function actionsOf<Do extends Action["do"]>(
  { actions }: Pick<Plan, "actions">,
  kind: Do,
): ActionOf<Do>[] {
  return actions.filter((action): action is ActionOf<Do> => action.do === kind);
}

export function plannedSwapFiles(plan: Plan): SwapFile[] {
  return actionsOf(plan, "swap-file").map(({ file }) => file);
}

/** Mount points whose file system has no owners, no modes and no exact times. */
export function plainMounts(plan: Plan): string[] {
  return actionsOf(plan, "mount").flatMap((a) => a.type === "vfat" ? [a.mountPoint] : []);
}

/** The first byte behind everything that the plan writes to a disk, its erasures apart. */
export function plannedEnd(plan: Plan, number: number): number {
  const sectorBytes = plan.disks.find((disk) => disk.number === number)?.facts.sectorBytes ?? 512;
  const tables = actionsOf(plan, "partition").filter(({ disk }) => disk === number);
  return Math.max(
    sectorBytes,
    ...plan.actions.flatMap(wholeUses).flatMap(({ volume, end }) =>
      volume.kind === "disk" && volume.disk === number ? [end] : []
    ),
    ...tables.flatMap(({ partitions, sectorBytes }) =>
      partitions.map((p) => (p.startSector + p.sectors) * sectorBytes)
    ),
  );
}

/** The volumes that an action fills, and how far. */
function wholeUses(action: Action): { volume: Volume; end: number }[] {
  switch (action.do) {
    case "md": {
      const { members, spares, dataAtBytes = 0, memberBytes } = action.array;
      return [...members, ...spares].flatMap((volume) =>
        volume === "missing" ? [] : [{ volume, end: dataAtBytes + memberBytes }]
      );
    }
    case "luks": {
      const { on, dataAtBytes, sizeBytes } = action.encrypted;
      return [{ volume: on, end: dataAtBytes + sizeBytes }];
    }
    case "lvm": {
      const { physical, extentBytes } = action.group;
      return physical.map(({ volume, dataAtBytes, extents }) => ({
        volume,
        end: dataAtBytes + extents * extentBytes,
      }));
    }
    case "format": {
      const { volume, more = [], sizeBytes } = action.formatting;
      return more.length > 0 ? [] : [{ volume, end: sizeBytes }];
    }
    default:
      return [];
  }
}
