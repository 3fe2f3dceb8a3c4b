/**
 * A layout whose mirror has another number of disks than the template's. Pure. Further disks are copies of the mirror's
 * last one; members that are left out stay as empty slots, to be filled later.
 */
import { createHash } from "node:crypto";
import { describeVolume, type DiskLayout, type DiskTable, type Volume } from "#contract/format/layout.ts";
import type { LogicalVolume, VolumeGroup } from "#contract/format/volumes.ts";
import { gigabytes } from "./choose_disk.ts";
import { redundancyOf } from "./md_geometry.ts";
import type { Obstacle } from "./obstacle.ts";
import { type Use, volumesOf, VolumeTree } from "./tree.ts";

interface Mirrored {
  readonly layout: DiskLayout;
  /** Numbers of the disks that are written. */
  readonly disks: readonly number[];
  /** What differs from the template, as text. */
  readonly notes: readonly string[];
}

const MIRRORED_LVS: readonly LogicalVolume["type"][] = ["mirror", "raid1"];
const NO_MIRROR =
  "clear the number (`rackseed node set NODE --mirror none`), or capture a template with a mirror.";

/** Numbers of the disks that keep copies of the same data; empty if there are none. `disks`: those to look at. */
export function mirrorOf(layout: DiskLayout, disks: readonly number[]): number[] {
  const tree = new VolumeTree(layout);
  const sets = [
    ...(layout.arrays ?? []).filter((array) => redundancyOf(array) > 0).map(({ members }) => members),
    ...(layout.groups ?? []).flatMap(({ physical, logical }) =>
      logical.filter(({ type }) => MIRRORED_LVS.includes(type)).map(({ on }) =>
        physical.filter((_, i) => on === undefined || on.includes(i)).map(({ volume }) => volume)
      )
    ),
    ...layout.fileSystems.filter(({ mkfs }) => /^raid1/.test(mkfs.btrfs?.dataProfile ?? "")).map(volumesOf),
  ];
  const found = new Set(sets.flatMap((volumes) => tree.disksBelow(volumes)));
  return [...found].filter((number) => disks.includes(number)).sort((a, b) => a - b);
}

/** `count`: of disks that the mirror gets. `disks`: of the layout that are written. `seed`: of new identifiers. */
export function withMirror(
  layout: DiskLayout,
  { count, disks, system, seed }: {
    count: number;
    disks: readonly number[];
    /** Those of `disks` that hold the system. */
    system: readonly number[];
    seed: string;
  },
): Mirrored | Obstacle {
  const mirror = mirrorOf(layout, system);
  const last = mirror.at(-1);
  if (last === undefined) {
    return { reason: `mirrors are to get ${count} disks, and its template has none.`, remedy: NO_MIRROR };
  }
  if (count < mirror.length) return withFewer(layout, { count, disks, mirror });
  let made: Mirrored = { layout, disks, notes: [] };
  for (let copy = 1; copy <= count - mirror.length; copy++) {
    const next = withCopyOf(made, { source: last, seed: `${seed}/${copy}` });
    if ("reason" in next) return next;
    made = next;
  }
  return {
    ...made,
    notes: count > mirror.length
      ? [`the mirror gets ${count} disks; the template's has ${mirror.length}`]
      : [],
  };
}

/** The same identifier for the same seed: a plan that is made twice is the same. */
function derived(seed: string, length: number): string {
  return createHash("sha256").update(seed).digest("hex").slice(0, length);
}

function derivedGuid(seed: string): string {
  const hex = derived(seed, 32).toUpperCase();
  // RFC 9562 §5.8
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `A${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20)].join("-");
}

/** 32 characters in LVM's grouping. */
function derivedLvmId(seed: string): string {
  const hex = derived(seed, 32);
  return [[0, 6], [6, 10], [10, 14], [14, 18], [18, 22], [22, 26], [26, 32]]
    .map(([from, to]) => hex.slice(from, to)).join("-");
}

function copyOfTable({ names: _, ...disk }: DiskTable, seed: string): DiskTable {
  return {
    ...disk,
    ...disk.id !== undefined && {
      id: disk.table === "dos" ? `0x${derived(`${seed}/disk`, 8)}` : derivedGuid(`${seed}/disk`),
    },
    partitions: disk.partitions.map((p) => ({
      ...p,
      ...p.uuid !== undefined && { uuid: derivedGuid(`${seed}/${p.number}`) },
    })),
  };
}

function withCopyOf(
  { layout, disks, notes }: Mirrored,
  { source, seed }: { source: number; seed: string },
): Mirrored | Obstacle {
  const table = layout.disks[source];
  if (table === undefined) throw new RangeError(`no disk ${source}`);
  const number = layout.disks.length, tree = new VolumeTree(layout);
  let made: DiskLayout = { ...layout, disks: [...layout.disks, copyOfTable(table, seed)] };
  for (const volume of tree.volumesOfDisk(source)) {
    const copy: Volume = volume.kind === "partition"
      ? { kind: "partition", disk: number, number: volume.number }
      : { kind: "disk", disk: number };
    for (const use of tree.usesOf(volume)) {
      const next = withCopyOfUse(made, { use, volume, copy, seed });
      if ("reason" in next) return next;
      made = next;
    }
  }
  return { layout: made, disks: [...disks, number], notes };
}

function withCopyOfUse(
  layout: DiskLayout,
  { use, volume, copy, seed }: { use: Use; volume: Volume; copy: Volume; seed: string },
): DiskLayout | Obstacle {
  const key = describeVolume(volume);
  switch (use.kind) {
    case "member":
      if (redundancyOf(use.array) === 0) {
        return {
          reason:
            `its MD array ${use.array.name} (${use.array.level}) has no copies that a further disk could hold.`,
          remedy: NO_MIRROR,
        };
      }
      return {
        ...layout,
        arrays: (layout.arrays ?? []).map((array) => {
          if (array.name !== use.array.name || !array.members.some((m) => describeVolume(m) === key)) {
            return array;
          }
          const members = [...array.members, copy];
          return { ...array, members, slots: Math.max(array.slots, members.length) };
        }),
      };
    case "physical":
      return {
        ...layout,
        groups: (layout.groups ?? []).map((group) =>
          group.name === use.group.name
            ? withCopyOfPhysical(group, { index: use.index, copy, seed: `${seed}/${key}` })
            : group
        ),
      };
    case "encrypted":
      return {
        reason:
          `its ${key} is encrypted by itself, so a further disk of the mirror would need a key of its own.`,
        remedy:
          "encrypt the mirror instead of each of its disks on the template, or clear the number of disks.",
      };
    case "file system":
      if (use.fileSystem.more === undefined) return layout;
      return {
        ...layout,
        fileSystems: layout.fileSystems.map((fileSystem) =>
          fileSystem.mountPoint === use.fileSystem.mountPoint
            ? { ...fileSystem, more: [...fileSystem.more ?? [], copy] }
            : fileSystem
        ),
      };
    case "swap":
      return layout;
  }
}

function withCopyOfPhysical(
  group: VolumeGroup,
  { index, copy, seed }: { index: number; copy: Volume; seed: string },
): VolumeGroup {
  const source = group.physical[index];
  if (source === undefined) throw new RangeError(`no physical volume ${index}`);
  const added = group.physical.length;
  return {
    ...group,
    physical: [...group.physical, { ...source, volume: copy, uuid: derivedLvmId(seed) }],
    logical: group.logical.map((lv) =>
      MIRRORED_LVS.includes(lv.type) && (lv.on === undefined || lv.on.includes(index))
        ? { ...lv, copies: (lv.copies ?? 2) + 1, ...lv.on && { on: [...lv.on, added] } }
        : lv
    ),
  };
}

function withFewer(
  layout: DiskLayout,
  { count, disks, mirror }: { count: number; disks: readonly number[]; mirror: readonly number[] },
): Mirrored | Obstacle {
  const tree = new VolumeTree(layout);
  const removable = mirror.toReversed().filter((number) => isRemovable(number, tree));
  const removed = removable.slice(0, mirror.length - count);
  if (count < 1 || removed.length < mirror.length - count) {
    return {
      reason:
        `its mirror of ${mirror.length} disks cannot be made with ${count}: something on them has no copy.`,
      remedy: "use as many disks as the template has.",
    };
  }
  const isGone = (volume: Volume) =>
    (volume.kind === "partition" || volume.kind === "disk") && removed.includes(volume.disk);
  const lostSwap = layout.swap.filter(({ volume }) => isGone(volume));
  const made: DiskLayout = {
    ...layout,
    swap: layout.swap.filter((area) => !lostSwap.includes(area)),
    arrays: (layout.arrays ?? []).map((array) => ({
      ...array,
      members: array.members.filter((member) => !isGone(member)),
      spares: array.spares.filter((spare) => !isGone(spare)),
      ...array.writeMostly && { writeMostly: array.writeMostly.filter((member) => !isGone(member)) },
    })),
    groups: (layout.groups ?? []).map((group) =>
      withoutPhysical(group, new Set(group.physical.flatMap(({ volume }, i) => isGone(volume) ? [i] : [])))
    ),
    fileSystems: layout.fileSystems.map((fileSystem) => {
      const [volume, ...more] = volumesOf(fileSystem).filter((one) => !isGone(one));
      return volume ? withDevices(fileSystem, [volume, ...more]) : fileSystem;
    }),
  };
  const broken = (made.arrays ?? []).find((array) =>
    array.members.length < array.slots - redundancyOf(array)
  );
  const narrow = (made.groups ?? []).find((group) => group.physical.length === 0);
  if (broken || narrow) {
    return {
      reason: `${
        broken ? `its MD array ${broken.name}` : `its LVM group ${narrow?.name}`
      } cannot do with ${count} ${count === 1 ? "disk" : "disks"} of its mirror.`,
      remedy: "use as many disks as the template has.",
    };
  }
  return {
    layout: made,
    disks: disks.filter((number) => !removed.includes(number)),
    notes: [
      `the mirror gets ${count} ${count === 1 ? "disk" : "disks"}; the template's has ${mirror.length}`,
      ...lostSwap.map(({ volume }) =>
        `leave out the template's swap on ${describeVolume(volume)} (${
          gigabytes(tree.sizeOf(volume) ?? 0)
        }): it has no copy on another disk, and the clone starts without it`
      ),
      ...lostSwap.length > 0 && made.swap.length === 0 && (made.swapFiles ?? []).length === 0
        ? ["the clone has no swap at all"]
        : [],
    ],
  };
}

/** Nothing on the disk is lost with it. */
function isRemovable(number: number, tree: VolumeTree): boolean {
  return tree.volumesOfDisk(number).every((volume) =>
    tree.usesOf(volume).every((use) => {
      switch (use.kind) {
        case "member":
          return redundancyOf(use.array) > 0;
        case "physical":
          return use.group.physical.length > 1;
        case "swap":
          return true;
        case "file system":
          return use.fileSystem.more !== undefined;
        case "encrypted":
          return false;
      }
    })
  );
}

/** Mirrored volumes lose a copy for each physical volume that goes; with one copy left they are linear. */
function withoutPhysical(group: VolumeGroup, gone: ReadonlySet<number>): VolumeGroup {
  if (gone.size === 0) return group;
  const indexes = group.physical.map((_, i) => i).filter((i) => !gone.has(i));
  return {
    ...group,
    physical: group.physical.filter((_, i) => !gone.has(i)),
    logical: group.logical.map(({ on, copies, ...lv }) => {
      const kept = on?.filter((i) => !gone.has(i)).map((i) => indexes.indexOf(i));
      if (!MIRRORED_LVS.includes(lv.type)) {
        return { ...lv, ...copies !== undefined && { copies }, ...kept && { on: kept } };
      }
      const left = Math.min(
        (copies ?? 2) - (on ? on.length - (kept?.length ?? 0) : gone.size),
        indexes.length,
      );
      return left > 1
        ? { ...lv, copies: left, ...kept && { on: kept } }
        : { ...lv, type: "linear" as const, ...kept && { on: kept } };
    }),
  };
}

type Devices = readonly [Volume, ...Volume[]];

/** mkfs.btrfs(8): the least number of devices of each profile. */
const LEAST_DEVICES: Readonly<Record<string, number>> = {
  raid0: 2,
  raid1: 2,
  raid1c3: 3,
  raid1c4: 4,
  raid10: 4,
  raid5: 2,
  raid6: 3,
};

function withDevices(
  fileSystem: DiskLayout["fileSystems"][number],
  [volume, ...more]: Devices,
): DiskLayout["fileSystems"][number] {
  if (volumesOf(fileSystem).length === more.length + 1) return fileSystem;
  const { more: _, mkfs: { btrfs, ...mkfs }, ...rest } = fileSystem;
  const devices = more.length + 1;
  const fits = (profile: string) => (LEAST_DEVICES[profile] ?? 1) <= devices;
  const other = (one: "single" | "dup") => devices > 1 ? "raid1" as const : one;
  return {
    ...rest,
    volume,
    ...more.length > 0 && { more },
    mkfs: {
      ...mkfs,
      ...btrfs && {
        btrfs: {
          ...btrfs,
          dataProfile: fits(btrfs.dataProfile) ? btrfs.dataProfile : other("single"),
          metadataProfile: fits(btrfs.metadataProfile) ? btrfs.metadataProfile : other("dup"),
        },
      },
    },
  };
}
