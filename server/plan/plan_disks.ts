/** Which disks of the layout are written, and to which disks of the machine. Pure. */
import type { DiskChoices, InstalledDisk } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout, Volume } from "#contract/format/layout.ts";
import type { PlannedDisk } from "./actions.ts";
import { assignDisks, type DiskNeed } from "./assign_disks.ts";
import { type Buildable, refusal } from "./buildable.ts";
import { gigabytes } from "./choose_disk.ts";
import { LeastSizes } from "./least_size.ts";
import { mirrorOf, withMirror } from "./mirrors.ts";
import { type Growable, planTable, type TablePlan } from "./plan_table.ts";
import { rolesOf } from "./roles.ts";
import { volumesOf, VolumeTree } from "./tree.ts";
import { mountPointsOf, writtenPart } from "./written_part.ts";

/** The part of the layout that this machine gets, with its mirrors as they will be. */
export interface Target {
  readonly layout: DiskLayout;
  /** Numbers of the disks that are written, in order. */
  readonly disks: readonly number[];
  /** Of those, the ones that the operator named for data. */
  readonly dataNames: ReadonlyMap<number, string>;
  /** Mount points on data disks that are not written. */
  readonly leftMounts: readonly string[];
  readonly notes: readonly string[];
}

/** Throws RackseedError if the choices do not fit the layout. */
export function targetOf(
  { image, layout }: Pick<Buildable, "image" | "layout">,
  { node, choices }: { node: string; choices: DiskChoices },
): Target {
  const roles = rolesOf(layout);
  const system = layout.disks.flatMap((_, number) => roles[number] === "system" ? [number] : []);
  const dataNames = dataDisksOf(layout, { image, choices, roles });
  const disks = [...system, ...dataNames.keys()].sort((a, b) => a - b);
  const mirrored = choices.mirror === undefined
    ? { layout, disks, notes: [] }
    : withMirror(layout, { count: choices.mirror, disks, system, seed: `${image}/${node}` });
  if ("reason" in mirrored) throw refusal(image, mirrored);
  const part = writtenPart(mirrored.layout, new Set(mirrored.disks));
  if ("reason" in part) throw refusal(image, part);
  const named = mirrored.disks.length - dataNames.size;
  if ((choices.disks?.length ?? 0) > named) {
    throw refusal(image, {
      reason: `${choices.disks?.length} disks are named for ${node}, and its system needs ${named}.`,
      remedy:
        `name ${named} (\`rackseed node set ${node} --disk …\`); a data disk with --data-disk, and further ` +
        "disks of a mirror with --mirror.",
    });
  }
  const degraded = (part.layout.arrays ?? []).filter(({ slots, members }) => members.length < slots);
  return {
    layout: part.layout,
    disks: mirrored.disks,
    dataNames,
    leftMounts: part.mountPoints,
    notes: [
      ...mirrored.notes,
      ...degraded.map(({ name, slots, members }) =>
        `the MD array ${name} starts with ${members.length} of ${slots} members`
      ),
    ],
  };
}

/** The operator's names of disks for data disks of the layout. */
function dataDisksOf(
  layout: DiskLayout,
  { image, choices, roles }: { image: string; choices: DiskChoices; roles: readonly string[] },
): Map<number, string> {
  const tree = new VolumeTree(layout);
  const names = new Map<number, string>();
  for (const { of, disk } of choices.dataDisks ?? []) {
    const mounted = layout.fileSystems.filter((f) =>
      mountPointsOf(f).some((mountPoint) => mountPoint === of)
    );
    const numbers = typeof of === "number" ? [of] : tree.disksBelow(mounted.flatMap(volumesOf));
    const [number, ...others] = numbers;
    const wrong = number === undefined || layout.disks[number] === undefined
      ? `its template has no data disk ${of}`
      : others.length > 0
      ? `${of} lies on the disks ${numbers.join(", ")} of the layout`
      : roles[number] !== "data"
      ? `${of} is on disk ${number} of the layout, which holds the system`
      : names.has(number)
      ? `disk ${number} of the layout is named twice`
      : undefined;
    if (wrong !== undefined || number === undefined) {
      throw refusal(image, {
        reason: `a disk was named as data disk, but ${wrong}.`,
        remedy:
          "name data disks by their number in the layout (`rackseed node set NODE --data-disk 1=/dev/disk/…`).",
      });
    }
    names.set(number, disk);
  }
  return names;
}

/** The disks of the machine for those of the layout. Throws RackseedError if the choice is not forced. */
export function disksFor(
  target: Target,
  { node, entries, disks, choices, installed }: {
    node: string;
    entries: number;
    disks: readonly DiskFacts[];
    choices: DiskChoices;
    installed: readonly InstalledDisk[] | undefined;
  },
): PlannedDisk[] {
  const { layout, dataNames } = target;
  const least = new LeastSizes(new VolumeTree(layout), entries);
  const names = [...choices.disks ?? []];
  const needs = target.disks.map((number): DiskNeed => ({
    number,
    kind: kindOf(layout, number),
    sizeBytes: layout.disks[number]?.sizeBytes ?? 0,
    named: dataNames.get(number) ?? names.shift(),
    isData: dataNames.has(number),
    shortfall(disk) {
      const plan = tableOn(disk, { number, least });
      if (plan.fits) return undefined;
      return plan.neededBytes === undefined
        ? plan.reason
        : `it is too small: the image needs ${gigabytes(plan.neededBytes)}`;
    },
  }));
  const isMirror = mirrorOf(layout, target.disks).length > 1;
  return assignDisks(disks, { node, needs, installed, leave: choices.leaveDisks, isMirror });
}

/** Disks with the same partitions may change places: each gets what the layout says, whichever it is. */
function kindOf({ disks }: DiskLayout, number: number): string {
  const { table, sectorBytes, partitions = [] } = disks[number] ?? {};
  return JSON.stringify([
    table,
    sectorBytes,
    partitions.map(({ number, startSector, sectors, type }) => [number, startSector, sectors, type]),
  ]);
}

/** The table of a disk of the layout on one of the machine. */
export function tableOn(
  disk: DiskFacts,
  { number, least }: { number: number; least: LeastSizes },
): TablePlan {
  const { tree } = least;
  const table = tree.layout.disks[number];
  if (table === undefined) throw new RangeError(`the layout has no disk ${number}`);
  const coarse = tree.layout.fileSystems.find((f) =>
    (f.mkfs.blockBytes ?? disk.sectorBytes) < disk.sectorBytes &&
    tree.disksBelow(volumesOf(f)).includes(number)
  );
  if (coarse) {
    return {
      fits: false,
      reason:
        `the blocks of ${coarse.mountPoint} are smaller than this disk's sectors of ${disk.sectorBytes} bytes`,
    };
  }
  if (table.table !== "none") return planTable(table, { ...disk, growable: growablesOf(number, least) });
  const neededBytes = least.of({ kind: "disk", disk: number });
  return disk.sizeBytes >= neededBytes
    ? { fits: true, partitions: [] }
    : { fits: false, reason: "the file system does not fit", neededBytes };
}

/** Partitions that may change their size, the last one first; one that holds nothing but /boot only if there is no other. */
function growablesOf(number: number, least: LeastSizes): Growable[] {
  return (least.tree.layout.disks[number]?.partitions ?? []).flatMap((partition) => {
    const volume: Volume = { kind: "partition", disk: number, number: partition.number };
    const growth = least.growth(volume);
    return growth === "none" ? [] : [{ partition, growth, minimumBytes: least.of(volume) }];
  }).sort((a, b) =>
    Number(a.growth === "boot") - Number(b.growth === "boot") ||
    b.partition.startSector - a.partition.startSector
  ).map(({ partition, minimumBytes }) => ({ number: partition.number, minimumBytes }));
}
