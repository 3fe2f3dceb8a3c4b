/** What in a layout cannot be true of any machine: a reference that leads nowhere, or two claims to one place. Pure. */
import { describeVolume, type DiskTable, type Partition, type Volume } from "#contract/format/layout.ts";
import { planTable, USUAL_ENTRIES } from "./plan_table.ts";
import { type VolumeTree } from "./tree.ts";

/** As places, for messages; empty if there are none. */
export function contradictions(tree: VolumeTree): string[] {
  const found = [...tableContradictions(tree), ...nameContradictions(tree), ...useContradictions(tree)];
  // code that follows the tree from here on must not loop
  return [...found, ...found.length > 0 ? [] : cycles(tree)];
}

function tableContradictions({ layout: { disks } }: VolumeTree): string[] {
  return disks.flatMap((disk, number) => [
    ...(disk.table === "none" ? disk.partitions.length > 0 : !fitsItself(disk)) ? [`disk ${number}`] : [],
    ...misplaced(disk).map((partition) => `disk ${number} partition ${partition.number}`),
  ]);
}

/** Its table has room on it, as it had on the template. */
function fitsItself(disk: DiskTable): boolean {
  return planTable(disk, { ...disk, growable: [] }).fits;
}

/** Partitions that overlap another one, leave the disk, or have a number that the table does not. */
function misplaced(disk: DiskTable): Partition[] {
  const { partitions, table, entries = USUAL_ENTRIES } = disk;
  const sectors = Math.floor(disk.sizeBytes / disk.sectorBytes);
  const end = (p: Partition) => p.startSector + p.sectors;
  const extended = table === "dos" ? partitions.find((p) => isExtended(p) && p.number <= 4) : undefined;
  const isLogical = (p: Partition) => table === "dos" && p.number > 4;
  return partitions.filter((p, i) => {
    const others = partitions.filter((_, j) => j !== i);
    const clash = others.some((q) =>
      q.number === p.number ||
      (isLogical(p) === isLogical(q) && p.startSector < end(q) && q.startSector < end(p))
    );
    const outside = end(p) > sectors || (table === "gpt" && p.number > entries);
    const stray = isLogical(p) &&
      (extended === undefined || p.startSector <= extended.startSector || end(p) > end(extended));
    return clash || outside || stray;
  });
}

function isExtended({ type }: Pick<Partition, "type">): boolean {
  return /^0?(5|f|85)$/i.test(type);
}

function nameContradictions(
  { layout: { arrays = [], encrypted = [], groups = [], fileSystems } }: VolumeTree,
) {
  const lists = [
    ["MD array", arrays.flatMap(({ name, uuid }) => [name, uuid])],
    ["LUKS volume", encrypted.flatMap(({ name, uuid }) => [name, uuid])],
    ["LVM group", groups.flatMap(({ name, uuid }) => [name, uuid])],
    ...groups.map(({ name, logical }) => [`LVM group ${name}`, logical.map((lv) => lv.name)] as const),
    ["mount point", fileSystems.map(({ mountPoint }) => mountPoint)],
  ] as const;
  return lists.flatMap(([kind, names]) => duplicates(names).map((name) => `${kind} ${name}`));
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

function useContradictions(tree: VolumeTree): string[] {
  const used = new Set<string>();
  return [...tree.uses()].flatMap(({ volume }) => {
    const key = describeVolume(volume);
    const wrong = tree.sizeOf(volume) === undefined || used.has(key) || isContainer(volume, tree);
    used.add(key);
    return wrong ? [key] : [];
  });
}

/** Holds other volumes instead of data. */
function isContainer(volume: Volume, tree: VolumeTree): boolean {
  if (volume.kind === "lv") {
    return tree.logical(volume.group, volume.name)?.type === "thin-pool";
  }
  if (volume.kind !== "partition") return false;
  const disk = tree.layout.disks[volume.disk];
  const partition = disk?.partitions.find((p) => p.number === volume.number);
  return disk?.table === "dos" && partition !== undefined && isExtended(partition);
}

/** Volumes that lie on themselves. */
function cycles(tree: VolumeTree): string[] {
  const { arrays = [], encrypted = [], groups = [] } = tree.layout;
  const volumes: Volume[] = [
    ...arrays.map(({ name }): Volume => ({ kind: "md", name })),
    ...encrypted.map(({ name }): Volume => ({ kind: "luks", name })),
    ...groups.flatMap(({ name: group, logical }) =>
      logical.map(({ name }): Volume => ({ kind: "lv", group, name }))
    ),
  ];
  return volumes.filter((volume) => {
    const parts = tree.partsOf(volume);
    return tree.below(parts).some((below) => describeVolume(below) === describeVolume(volume));
  }).map(describeVolume);
}
