/** The part of a layout that is written: without data disks that nobody named. Pure. */
import { describeVolume, type DiskLayout, type FileSystem, type Volume } from "#contract/format/layout.ts";
import type { Obstacle } from "./obstacle.ts";
import { mountsOf } from "./plan_btrfs.ts";
import { volumesOf, VolumeTree } from "./tree.ts";

interface WrittenPart {
  readonly layout: DiskLayout;
  /** Mount points that the clone does not get. */
  readonly mountPoints: readonly string[];
}

/**
 * `written`: numbers of the disks that are written. The tables of the others stay in the list, so that numbers keep
 * their meaning. Returns an obstacle if a volume lies on a written disk and on one that is not.
 */
export function writtenPart(layout: DiskLayout, written: ReadonlySet<number>): WrittenPart | Obstacle {
  const tree = new VolumeTree(layout);
  const isKept = (volumes: readonly Volume[]) =>
    tree.disksBelow(volumes).every((number) => written.has(number));
  const all = [
    ...(layout.arrays ?? []).map((array): readonly Volume[] => [...array.members, ...array.spares]),
    ...(layout.groups ?? []).map((group): readonly Volume[] => group.physical.map((one) => one.volume)),
    ...layout.fileSystems.map(volumesOf),
  ];
  for (const volumes of all) {
    const numbers = tree.disksBelow(volumes);
    if (isKept(volumes) || !numbers.some((number) => written.has(number))) continue;
    const [first] = volumes;
    return {
      reason: `${first ? describeVolume(first) : "a volume"} belongs to a volume that lies on the disks ${
        numbers.join(", ")
      } of the layout, and not all of them are to be written.`,
      remedy: `name all of these data disks, or none.`,
    };
  }
  const gone = layout.fileSystems.filter((fileSystem) => !isKept(volumesOf(fileSystem)));
  const mountPoints = gone.flatMap(mountPointsOf).sort();
  const kept: DiskLayout = {
    ...layout,
    fileSystems: layout.fileSystems.filter((fileSystem) => isKept(volumesOf(fileSystem))),
    swap: layout.swap.filter(({ volume }) => isKept([volume])),
    ...layout.arrays && { arrays: layout.arrays.filter(({ members }) => isKept(members)) },
    ...layout.encrypted && { encrypted: layout.encrypted.filter(({ on }) => isKept([on])) },
    ...layout.groups && {
      groups: layout.groups.filter(({ physical }) => isKept(physical.map(({ volume }) => volume))),
    },
    ...layout.boot?.copies && {
      boot: { ...layout.boot, copies: layout.boot.copies.filter(({ volume }) => isKept([volume])) },
    },
    ...layout.swapFiles && {
      swapFiles: layout.swapFiles.filter(({ path }) => !isBelow(path, { mountPoints, layout })),
    },
  };
  return { layout: kept, mountPoints };
}

/** Where the template mounts it, and its subvolumes. */
export function mountPointsOf(fileSystem: FileSystem): string[] {
  return mountsOf(fileSystem).map(({ mountPoint }) => mountPoint);
}

/** Whether the deepest mount point above a path is one of these. */
function isBelow(
  path: string,
  { mountPoints, layout }: { mountPoints: readonly string[]; layout: DiskLayout },
): boolean {
  const above = layout.fileSystems.flatMap(mountPointsOf)
    .filter((mountPoint) => mountPoint === "/" || path.startsWith(`${mountPoint}/`))
    .sort((a, b) => b.length - a.length);
  return above[0] !== undefined && mountPoints.includes(above[0]);
}
