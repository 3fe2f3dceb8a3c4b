/**
 * The plan: everything an installation will do to a disk, decided before anything is touched. Pure and printable;
 * `guard.ts` proves the disk again before the plan is carried out.
 */
import type { ChosenDisk } from "#contract/api.ts";
import { describeVolume, type DiskLayout, type SwapFile, type Volume } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { type Buildable, proveBuildable, refusal } from "./buildable.ts";
import { chooseDisk, describeDisk, gigabytes } from "./choose_disk.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import {
  canResize,
  formatFileSystem,
  formatSwap,
  type Formatting,
  minimumBytes,
  type Place,
} from "./plan_format.ts";
import { type BootLoaderPlan, planBootLoader } from "./plan_boot_loader.ts";
import {
  type Growable,
  type PlannedGpt,
  type PlannedPartition,
  planTable,
  type TablePlan,
} from "./plan_table.ts";

export type Action =
  | {
    readonly do: "partition";
    readonly table: "gpt" | "dos";
    readonly id?: string | undefined;
    readonly sectorBytes: number;
    readonly partitions: readonly PlannedPartition[];
    readonly grown?: number | undefined;
    readonly gpt?: PlannedGpt | undefined;
  }
  /** For a file system on the whole disk: erases the signatures there. */
  | { readonly do: "erase" }
  | { readonly do: "format"; readonly formatting: Formatting }
  /** Parents first. */
  | { readonly do: "mount"; readonly place: Place; readonly type: string; readonly mountPoint: string }
  /** Part of the template's used bytes, so the choice of a disk counts it, too. */
  | { readonly do: "swap-file"; readonly file: SwapFile }
  | { readonly do: "boot-loader"; readonly bootLoader: BootLoaderPlan };

export interface Plan {
  readonly image: string;
  readonly disk: DiskFacts;
  readonly because: string;
  readonly actions: readonly Action[];
}

export interface PlanRequest {
  readonly node: string;
  readonly header: Header;
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly DiskFacts[];
  /** The operator's choice. */
  readonly disk?: string | undefined;
  /** The disk of the last installation. */
  readonly installed?: ChosenDisk | undefined;
}

/** Throws RackseedError, with nothing done, if the image cannot be rebuilt on this machine. */
export function planInstall({ node, header, firmware, disks, disk: named, installed }: PlanRequest): Plan {
  const buildable = proveBuildable(header, firmware);
  const { image, layout } = buildable;
  const { disk, because } = chooseDisk(disks, {
    node,
    named,
    installed,
    shortfall(disk) {
      const plan = tablePlan(buildable, disk);
      if (plan.fits) return undefined;
      return plan.neededBytes === undefined
        ? plan.reason
        : `it is too small: the image needs ${gigabytes(plan.neededBytes)}`;
    },
  });
  const table = tablePlan(buildable, disk);
  if (!table.fits) throw refusal(image, { reason: table.reason, remedy: "use another disk." });
  return {
    image,
    disk,
    because,
    actions: [
      tableAction(buildable, { disk, planned: table }),
      ...formattings(buildable, { disk, planned: table }).map((formatting): Action => ({
        do: "format",
        formatting,
      })),
      ...layout.fileSystems.toSorted(parentsFirst).map(({ volume, type, mountPoint }): Action => ({
        do: "mount",
        place: placeOf(volume),
        type,
        mountPoint,
      })),
      ...(layout.swapFiles ?? []).map((file): Action => ({ do: "swap-file", file })),
      { do: "boot-loader", bootLoader: planBootLoader(buildable) },
    ],
  };
}

interface TableOnDisk {
  readonly disk: DiskFacts;
  readonly planned: Extract<TablePlan, { fits: true }>;
}

function tableAction(
  { table: { table, id } }: Buildable,
  { disk: { sectorBytes }, planned: { partitions, grown, gpt } }: TableOnDisk,
): Action {
  if (table === "none") return { do: "erase" };
  return { do: "partition", table, id, sectorBytes, partitions, grown, gpt };
}

function formattings({ layout, table, entries }: Buildable, { disk, planned }: TableOnDisk): Formatting[] {
  const { sectorBytes } = disk;
  const sizeOf = (place: Place) => {
    const number = placeNumber(place);
    if (number === undefined) return disk.sizeBytes;
    const partition = planned.partitions.find((p) => p.number === number);
    return (partition?.sectors ?? 0) * sectorBytes;
  };
  const fileSystems = layout.fileSystems.map((fileSystem) => {
    const place = placeOf(fileSystem.volume), sectorBytesBefore = table.sectorBytes;
    const room = { sizeBytes: sizeOf(place), sectorBytes, sectorBytesBefore, entries };
    return formatFileSystem(fileSystem, place, room);
  });
  const swap = layout.swap.map((area) =>
    formatSwap(area, placeOf(area.volume), sizeOf(placeOf(area.volume)))
  );
  return [...fileSystems, ...swap];
}

/**
 * Confirms the choice of the disk once more: disks appear one by one, and one that appeared after the plan was made may
 * change the choice. `request`: as for the plan, with the disks of now. Throws RackseedError if the choice changed.
 */
export function confirmChoice({ image, disk }: Plan, request: PlanRequest): void {
  const now = planInstall(request).disk;
  if (now.number === disk.number && now.name === disk.name) return;
  throw refusal(image, {
    reason: `the plan was made for ${describeDisk(disk)}, and now it would be ${describeDisk(now)}.`,
    remedy: "name the disk (`rackseed node set NODE --disk /dev/disk/by-path/…`), and deploy again.",
  });
}

function parentsFirst(a: { mountPoint: string }, b: { mountPoint: string }): number {
  return a.mountPoint < b.mountPoint ? -1 : a.mountPoint > b.mountPoint ? 1 : 0;
}

function growablesOf({ disks, fileSystems }: DiskLayout, entries: number): Growable[] {
  const position = (number: number) =>
    disks[0]?.partitions.find((p) => p.number === number)?.startSector ?? 0;
  // a partition for /boot is already as large as it needs to be
  const isBoot = (mountPoint: string) => mountPoint === "/boot" ? 1 : 0;
  return fileSystems
    .flatMap((f) => f.volume.kind === "partition" && canResize(f) ? [{ f, number: f.volume.number }] : [])
    .sort((a, b) =>
      isBoot(a.f.mountPoint) - isBoot(b.f.mountPoint) || position(b.number) - position(a.number)
    )
    .map(({ f, number }) => ({ number, minimumBytes: minimumBytes(f, { entries }) }));
}

function tablePlan({ layout, table, entries }: Buildable, disk: DiskFacts): TablePlan {
  const coarse = layout.fileSystems.find((f) => (f.mkfs.blockBytes ?? disk.sectorBytes) < disk.sectorBytes);
  if (coarse) {
    return {
      fits: false,
      reason:
        `the blocks of ${coarse.mountPoint} are smaller than this disk's sectors of ${disk.sectorBytes} bytes`,
    };
  }
  if (table.table !== "none") return planTable(table, { ...disk, growable: growablesOf(layout, entries) });
  const neededBytes = Math.max(0, ...layout.fileSystems.map((f) => minimumBytes(f, { entries })));
  return disk.sizeBytes >= neededBytes
    ? { fits: true, partitions: [] }
    : { fits: false, reason: "the file system does not fit", neededBytes };
}

function placeOf(volume: Volume): Place {
  if (volume.kind === "partition" || volume.kind === "disk") return volume;
  throw new RangeError(`${describeVolume(volume)} has no place of its own`);
}

export function placeNumber(place: Place): number | undefined {
  return place.kind === "partition" ? place.number : undefined;
}

export function plannedSwapFiles({ actions }: Plan): SwapFile[] {
  return actions.flatMap((action) => action.do === "swap-file" ? [action.file] : []);
}

/** Mount points whose file system has no owners, no modes and no exact times. */
export function plainMounts({ actions }: Plan): string[] {
  return actions.flatMap((a) => a.do === "mount" && a.type === "vfat" ? [a.mountPoint] : []);
}

/** The first byte behind everything that the plan writes. */
export function plannedEnd({ actions, disk }: Plan): number {
  const ends = actions.flatMap((action) =>
    action.do === "partition"
      ? action.partitions.map((p) => (p.startSector + p.sectors) * action.sectorBytes)
      : action.do === "format" && action.formatting.place.kind === "disk"
      ? [action.formatting.sizeBytes]
      : []
  );
  return Math.max(disk.sectorBytes, ...ends);
}
