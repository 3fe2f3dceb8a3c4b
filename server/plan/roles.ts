/** Which disks of a layout hold the system, and which hold nothing but data. Pure. */
import type { DiskLayout, FileSystem, Volume } from "#contract/format/layout.ts";
import { mountsOf } from "./plan_btrfs.ts";
import { volumesOf, VolumeTree } from "./tree.ts";

/** Data disks are never written unless the operator names them. */
type DiskRole = "system" | "data";

/** Mount points without which a system does not start, or does not keep its state. */
const SYSTEM = /^\/($|(bin|sbin|lib|lib32|lib64|etc|usr|boot|efi|esp)(\/|$)|(root|tmp|var)$)/;
const SYSTEM_STATE = /^\/var\/(cache|lib|log|run|spool|tmp)$/;

/** Role of each disk of the layout, by its number. */
export function rolesOf(layout: DiskLayout): DiskRole[] {
  const tree = new VolumeTree(layout);
  const system = new Set(tree.disksBelow(systemVolumes(layout)));
  // a volume of which one part is rewritten is lost as a whole, so its other disks share the role
  for (let before = -1; before !== system.size;) {
    before = system.size;
    const written = [...system].flatMap((number) => tree.volumesOfDisk(number));
    for (const number of tree.disksBelow(tree.above(written))) system.add(number);
    for (const fileSystem of layout.fileSystems) {
      const disks = tree.disksBelow(volumesOf(fileSystem));
      if (disks.some((number) => system.has(number))) { for (const number of disks) system.add(number); }
    }
  }
  return layout.disks.map((_, number) => system.has(number) ? "system" : "data");
}

function isSystemMount(fileSystem: FileSystem): boolean {
  return mountsOf(fileSystem).some(({ mountPoint }) =>
    SYSTEM.test(mountPoint) || SYSTEM_STATE.test(mountPoint)
  );
}

function systemVolumes({ fileSystems, swap }: DiskLayout): Volume[] {
  return [...fileSystems.filter(isSystemMount).flatMap(volumesOf), ...swap.map(({ volume }) => volume)];
}
