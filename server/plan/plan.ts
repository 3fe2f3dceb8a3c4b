/**
 * The plan: everything an installation will do to a disk, decided before anything is touched. Pure and printable;
 * `guard.ts` proves the disk again before the plan is carried out.
 */
import type { ChosenDisk } from "#contract/api.ts";
import type { DiskLayout, FileSystem, Volume } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import type { Action, ActionOf, Plan, PlannedDisk } from "./actions.ts";
import { type Buildable, proveBuildable, refusal } from "./buildable.ts";
import { chooseDisk, describeDisk, gigabytes } from "./choose_disk.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { canResize, formatFileSystem, formatSwap, type Formatting, minimumBytes } from "./plan_format.ts";
import { mountsOf } from "./plan_btrfs.ts";
import { planBootLoader } from "./plan_boot_loader.ts";
import { type Growable, planTable, type TablePlan } from "./plan_table.ts";

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
    disks: [{ number: 0, facts: disk, because }],
    left: { mountPoints: [], notes: [] },
    layout,
    actions: [
      tableAction(buildable, { disk, planned: table }),
      ...formattings(buildable, { disk, planned: table }).map((formatting): Action => ({
        do: "format",
        formatting,
      })),
      ...layout.fileSystems.flatMap(mountActions).sort(parentsFirst),
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
  if (table === "none") return { do: "erase", disk: 0 };
  return { do: "partition", disk: 0, table, id, sectorBytes, partitions, grown, gpt };
}

function formattings({ layout, table, entries }: Buildable, { disk, planned }: TableOnDisk): Formatting[] {
  const { sectorBytes } = disk;
  const sizeOf = (volume: Volume) => {
    if (volume.kind !== "partition") return disk.sizeBytes;
    const partition = planned.partitions.find((p) => p.number === volume.number);
    return (partition?.sectors ?? 0) * sectorBytes;
  };
  const fileSystems = layout.fileSystems.map((fileSystem) => {
    const sectorBytesBefore = table.sectorBytes;
    const room = { sizeBytes: sizeOf(fileSystem.volume), sectorBytes, sectorBytesBefore, entries };
    return formatFileSystem(fileSystem, room);
  });
  const swap = layout.swap.map((area) => formatSwap(area, sizeOf(area.volume)));
  return [...fileSystems, ...swap];
}

/**
 * Confirms the choice of the disk once more: disks appear one by one, and one that appeared after the plan was made may
 * change the choice. `request`: as for the plan, with the disks of now. Throws RackseedError if the choice changed.
 */
export function confirmChoice({ image, disks }: Plan, request: PlanRequest): void {
  const now = planInstall(request).disks;
  const isSame = ({ facts: a }: PlannedDisk, b: PlannedDisk | undefined) =>
    a.number === b?.facts.number && a.name === b.facts.name;
  if (now.length === disks.length && disks.every((disk, i) => isSame(disk, now[i]))) return;
  const list = (some: readonly PlannedDisk[]) => some.map(({ facts }) => describeDisk(facts)).join(" and ");
  throw refusal(image, {
    reason: `the plan was made for ${list(disks)}, and now it would be ${list(now)}.`,
    remedy: "name the disk (`rackseed node set NODE --disk /dev/disk/by-path/…`), and deploy again.",
  });
}

function mountActions(fileSystem: FileSystem): ActionOf<"mount">[] {
  const { volume, more, type } = fileSystem;
  return mountsOf(fileSystem).map(({ mountPoint, options }) => ({
    do: "mount",
    volume,
    type,
    mountPoint,
    ...(more && { more }),
    ...(options !== "" && { options }),
  }));
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
