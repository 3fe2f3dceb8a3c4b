/** From a layout and the disks that were chosen for it to actions. Pure. */
import type { DiskFacts } from "#contract/disk_facts.ts";
import { describeVolume, type DiskLayout, type FileSystem, type Volume } from "#contract/format/layout.ts";
import type { Action, ActionOf, PlannedDisk } from "./actions.ts";
import { type Buildable, refusal } from "./buildable.ts";
import { Fit, type Ground } from "./fit.ts";
import { formattings } from "./fit_formats.ts";
import { LeastSizes } from "./least_size.ts";
import { mountsOf } from "./plan_btrfs.ts";
import { espCopies, planBootLoader } from "./plan_boot_loader.ts";
import { tableOn } from "./plan_disks.ts";
import type { TablePlan } from "./plan_table.ts";
import { VolumeTree } from "./tree.ts";
import { wipeRanges } from "./wipe.ts";

/** `layout`: the part that is written. Throws RackseedError if it does not fit. */
export function planActions(
  buildable: Buildable,
  { layout, disks }: { layout: DiskLayout; disks: readonly PlannedDisk[] },
): Action[] {
  const tree = new VolumeTree(layout);
  const least = new LeastSizes(tree, buildable.entries);
  const tables = disks.map((disk) => plannedTable(disk, { least, image: buildable.image }));
  const fit = new Fit(buildable.image, least, groundOf(tables));
  const bootLoader = planBootLoader({ ...buildable, layout });
  // one that the template mounts somewhere is among its file systems
  const copies = espCopies(layout, bootLoader).filter(({ volume }) => tree.usesOf(volume).length === 0);
  const formats = formattings(fit, { ...buildable, copies });
  return [
    ...tables.map(wipeAction),
    ...tables.map((planned) => tableAction(planned, layout)),
    ...volumeActions(fit, tree),
    ...formats.map((formatting): Action => ({ do: "format", formatting })),
    ...layout.fileSystems.flatMap(mountActions).sort(parentsFirst),
    ...(layout.swapFiles ?? []).map((file): Action => ({ do: "swap-file", file })),
    { do: "boot-loader", bootLoader },
  ];
}

interface PlannedTable {
  readonly number: number;
  readonly facts: DiskFacts;
  readonly planned: Extract<TablePlan, { fits: true }>;
}

function plannedTable(
  { number, facts }: PlannedDisk,
  { least, image }: { least: LeastSizes; image: string },
): PlannedTable {
  const planned = tableOn(facts, { number, least });
  if (!planned.fits) throw refusal(image, { reason: planned.reason, remedy: "use another disk." });
  return { number, facts, planned };
}

function groundOf(tables: readonly PlannedTable[]): Ground {
  const find = (disk: number) => {
    const found = tables.find(({ number }) => number === disk);
    if (found === undefined) throw new RangeError(`disk ${disk} is not written`);
    return found;
  };
  return {
    bytes(volume) {
      if (volume.kind !== "partition" && volume.kind !== "disk") throw new RangeError("not on the ground");
      const { facts, planned } = find(volume.disk);
      if (volume.kind === "disk") return facts.sizeBytes;
      const partition = planned.partitions.find((p) => p.number === volume.number);
      return (partition?.sectors ?? 0) * facts.sectorBytes;
    },
    sectorBytes: (disk) => find(disk).facts.sectorBytes,
  };
}

function wipeAction({ number, facts, planned }: PlannedTable): Action {
  const areas = [
    { at: 0, bytes: facts.sizeBytes },
    ...planned.partitions.map(({ startSector, sectors }) => ({
      at: startSector * facts.sectorBytes,
      bytes: sectors * facts.sectorBytes,
    })),
  ];
  return { do: "wipe", disk: number, ranges: wipeRanges(areas, facts) };
}

function tableAction({ number, facts: { sectorBytes }, planned }: PlannedTable, layout: DiskLayout): Action {
  const { table, id } = layout.disks[number] ?? { table: "none" as const };
  if (table === "none") return { do: "erase", disk: number };
  const { partitions, grown, gpt } = planned;
  return { do: "partition", disk: number, table, id, sectorBytes, partitions, grown, gpt };
}

/** Arrays, LUKS and LVM: each after what it lies on. */
function volumeActions(fit: Fit, { layout }: VolumeTree): Action[] {
  const made = new Set<string>();
  const actions: Action[] = [];
  const make = (key: string, { on, action }: { on: readonly Volume[]; action: () => Action }) => {
    if (made.has(key)) return;
    made.add(key);
    for (const volume of on) makeVolume(volume);
    actions.push(action());
  };
  const makeVolume = (volume: Volume): void => {
    const { arrays = [], encrypted = [], groups = [] } = layout;
    for (
      const { name, members, spares } of arrays.filter((a) => volume.kind === "md" && a.name === volume.name)
    ) {
      make(describeVolume(volume), {
        on: [...members, ...spares],
        action: () => ({ do: "md", array: fit.array(name) }),
      });
    }
    for (const { name, on } of encrypted.filter((e) => volume.kind === "luks" && e.name === volume.name)) {
      make(describeVolume(volume), {
        on: [on],
        action: () => ({ do: "luks", encrypted: fit.encrypted(name) }),
      });
    }
    for (const { name, physical } of groups.filter((g) => volume.kind === "lv" && g.name === volume.group)) {
      make(`group ${name}`, {
        on: physical.map((one) => one.volume),
        action: () => ({ do: "lvm", group: fit.group(name) }),
      });
    }
  };
  for (const { name } of layout.arrays ?? []) makeVolume({ kind: "md", name });
  for (const { name } of layout.encrypted ?? []) makeVolume({ kind: "luks", name });
  for (const { name } of layout.groups ?? []) makeVolume({ kind: "lv", group: name, name: "" });
  return actions;
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
