/**
 * The plan: all that an installation will do to a disk, decided before anything is touched. Pure and printable;
 * `guard.ts` proves the disk again before the plan is carried out.
 */
import type { ChosenDisk } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  describeVolume,
  type DiskLayout,
  type DiskTable,
  isEsp,
  type SwapFile,
  type Volume,
} from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { chooseDisk, describeDisk, gigabytes } from "./choose_disk.ts";
import type { DiskFacts } from "../../layout/disks.ts";
import {
  canResize,
  formatFileSystem,
  formatSwap,
  type Formatting,
  minimumBytes,
  type Place,
} from "./plan_format.ts";
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
  /** A file system on the whole disk: only what lies there is erased. */
  | { readonly do: "erase" }
  | { readonly do: "format"; readonly formatting: Formatting }
  /** Parents first. */
  | { readonly do: "mount"; readonly place: Place; readonly type: string; readonly mountPoint: string }
  /** The template's used bytes count it, so the choice of a disk does. */
  | { readonly do: "swap-file"; readonly file: SwapFile }
  | { readonly do: "boot-loader"; readonly bootLoader: BootLoaderPlan };

export type BootLoaderPlan =
  | { readonly firmware: "bios"; readonly rootUuid: string }
  | {
    readonly firmware: "uefi";
    readonly rootUuid: string;
    readonly esp: string;
    readonly espPartition: number;
  };

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
  /** Where it was installed before. */
  readonly installed?: ChosenDisk | undefined;
}

/** Throws RackseedError, with nothing done, where the image cannot be rebuilt on this machine. */
export function planInstall({ node, header, firmware, disks, disk: named, installed }: PlanRequest): Plan {
  const { layout, source, totals } = header;
  const image = `${header.image}@${header.version}`;
  if (!layout || !source) {
    throw refusal(image, {
      reason: "it was made of a directory or a tar, so it has no disk layout.",
      remedy: "deploy an image that was captured from a running machine, or install with --target DIR.",
    });
  }
  if (source.firmware !== firmware) {
    throw refusal(image, {
      reason: `its template starts by ${source.firmware.toUpperCase()}, and this machine was started by ` +
        `${firmware.toUpperCase()}.`,
      remedy: `set the machine's firmware to start by ${source.firmware.toUpperCase()}, and deploy again.`,
    });
  }
  const table = onlyDisk(layout, image);
  proveVolumes(layout, image);
  const entries = totals.entries;
  const growable = growablesOf(layout, entries);
  const tableFor = (disk: DiskFacts) => tablePlan(table, { disk, growable, layout, entries });
  const { disk, because } = chooseDisk(disks, {
    node,
    named,
    installed,
    shortfall(disk) {
      const plan = tableFor(disk);
      if (plan.fits) return undefined;
      return plan.neededBytes === undefined
        ? plan.reason
        : `it is too small: the image needs ${gigabytes(plan.neededBytes)}`;
    },
  });
  const planned = tableFor(disk);
  if (!planned.fits) throw refusal(image, { reason: planned.reason, remedy: "use another disk." });
  const sizeOf = (place: Place) => {
    const partition = placeNumber(place);
    if (partition === undefined) return disk.sizeBytes;
    const found = planned.partitions.find((p) => p.number === partition);
    return (found?.sectors ?? 0) * disk.sectorBytes;
  };
  const formats = [
    ...layout.fileSystems.map((fileSystem) => {
      const place = placeOf(fileSystem.volume);
      return formatFileSystem(fileSystem, place, {
        sizeBytes: sizeOf(place),
        sectorBytes: disk.sectorBytes,
        sectorBytesBefore: table.sectorBytes,
        entries,
      });
    }),
    ...layout.swap.map((swap) => formatSwap(swap, placeOf(swap.volume), sizeOf(placeOf(swap.volume)))),
  ];
  return {
    image,
    disk,
    because,
    actions: [
      table.table === "none" ? { do: "erase" } : {
        do: "partition",
        table: table.table,
        id: table.id,
        sectorBytes: disk.sectorBytes,
        partitions: planned.partitions,
        grown: planned.grown,
        gpt: planned.gpt,
      },
      ...formats.map((formatting): Action => ({ do: "format", formatting })),
      ...layout.fileSystems.toSorted(parentsFirst).map(({ volume, type, mountPoint }): Action => ({
        do: "mount",
        place: placeOf(volume),
        type,
        mountPoint,
      })),
      ...(layout.swapFiles ?? []).map((file): Action => ({ do: "swap-file", file })),
      { do: "boot-loader", bootLoader: bootLoader(layout, { table, firmware, image }) },
    ],
  };
}

/**
 * Disks come to light one after the other, and one that came after the plan was made may make the choice another one.
 * `request`: as for the plan, with the disks that there are now. Throws RackseedError.
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

function refusal(image: string, { reason, remedy }: { reason: string; remedy: string }): RackseedError {
  return new RackseedError(`cannot install ${image} on this machine`, { reason, remedy, status: 409 });
}

function onlyDisk({ disks }: DiskLayout, image: string): DiskTable {
  const [table, ...others] = disks;
  if (table !== undefined && others.length === 0) return table;
  throw refusal(image, {
    reason: `its template's file systems lie on ${disks.length} disks, and this version rebuilds one.`,
    remedy: "capture a template whose file systems lie on one disk.",
  });
}

/** Every volume is one that can be made, is there, and is used once. */
function proveVolumes({ disks, fileSystems, swap }: DiskLayout, image: string): void {
  const used = new Set<string>();
  const remedy = "capture a template that uses partitions with ext4, vfat, xfs and swap only.";
  const typed = [
    ...fileSystems,
    ...swap.map(({ volume }) => ({ volume, type: "swap", obstacle: undefined })),
  ];
  for (const { name, obstacle } of disks) {
    if (obstacle === undefined) continue;
    throw refusal(image, {
      reason: `its template's disk ${name} cannot be made again: ${obstacle}.`,
      remedy: "capture a template whose disk has a GPT or an MBR.",
    });
  }
  for (const { volume, type, obstacle } of typed) {
    const words = describeVolume(volume);
    if (volume.kind === "md" || volume.kind === "lv") {
      throw refusal(image, {
        reason: `its ${words} is of a kind that this version does not rebuild.`,
        remedy,
      });
    }
    const table = disks[volume.disk];
    const there = volume.kind === "disk"
      ? table?.table === "none"
      : table?.table !== "none" && table?.partitions.some((p) => p.number === volume.number);
    if (!there || used.has(words)) {
      throw refusal(image, {
        reason: `its layout contradicts itself at ${words}.`,
        remedy: "capture it again.",
      });
    }
    used.add(words);
    if (type !== "swap" && type !== "vfat" && !canResize({ type })) {
      throw refusal(image, {
        reason: `its ${words} has the file system ${type}, which this version does not rebuild.`,
        remedy,
      });
    }
    if (obstacle !== undefined) {
      throw refusal(image, {
        reason: `its ${words} (${type}) cannot be made again: ${obstacle}.`,
        remedy: "change that on the template, and capture it again.",
      });
    }
  }
  if (!fileSystems.some((f) => f.mountPoint === "/" && f.uuid !== undefined)) {
    throw refusal(image, { reason: "its layout has no root file system with a UUID.", remedy });
  }
}

function growablesOf({ disks, fileSystems }: DiskLayout, entries: number): Growable[] {
  const position = (number: number) =>
    disks[0]?.partitions.find((p) => p.number === number)?.startSector ?? 0;
  // a partition for /boot is as large as it ever needs to be
  const isBoot = (mountPoint: string) => mountPoint === "/boot" ? 1 : 0;
  return fileSystems
    .flatMap((f) => f.volume.kind === "partition" && canResize(f) ? [{ f, number: f.volume.number }] : [])
    .sort((a, b) =>
      isBoot(a.f.mountPoint) - isBoot(b.f.mountPoint) || position(b.number) - position(a.number)
    )
    .map(({ f, number }) => ({ number, minimumBytes: minimumBytes(f, { entries }) }));
}

function tablePlan(
  table: DiskTable,
  { disk, growable, layout, entries }: {
    disk: DiskFacts;
    growable: readonly Growable[];
    layout: DiskLayout;
    entries: number;
  },
): TablePlan {
  const coarse = layout.fileSystems.find((f) => (f.mkfs.blockBytes ?? disk.sectorBytes) < disk.sectorBytes);
  if (coarse) {
    return {
      fits: false,
      reason:
        `the blocks of ${coarse.mountPoint} are smaller than this disk's sectors of ${disk.sectorBytes} bytes`,
    };
  }
  if (table.table !== "none") return planTable(table, { ...disk, growable });
  const neededBytes = Math.max(0, ...layout.fileSystems.map((f) => minimumBytes(f, { entries })));
  return disk.sizeBytes >= neededBytes
    ? { fits: true, partitions: [] }
    : { fits: false, reason: "the file system does not fit", neededBytes };
}

export const BIOS_BOOT_TYPE = "21686148-6449-6e6f-744e-656564454649";

function bootLoader(
  { fileSystems }: DiskLayout,
  { table, firmware, image }: { table: DiskTable; firmware: "bios" | "uefi"; image: string },
): BootLoaderPlan {
  const rootUuid = fileSystems.find((f) => f.mountPoint === "/")?.uuid ?? "";
  if (firmware === "uefi") {
    const esp = fileSystems.find(isEsp);
    if (esp?.volume.kind !== "partition") {
      throw refusal(image, {
        reason: "its template starts by UEFI but has no EFI system partition mounted.",
        remedy: "mount it on /boot/efi on the template and capture it again.",
      });
    }
    return { firmware, rootUuid, esp: esp.mountPoint, espPartition: esp.volume.number };
  }
  if (table.table === "gpt" && !table.partitions.some((p) => p.type.toLowerCase() === BIOS_BOOT_TYPE)) {
    throw refusal(image, {
      reason: "its GPT has no BIOS boot partition, so GRUB has no room.",
      remedy: "give the template a partition of 1 MiB of type BIOS boot, and capture it again.",
    });
  }
  return { firmware, rootUuid };
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

/** First byte behind everything that the plan writes. */
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
