/** Chooses the machine's own file systems, and the place of each in the image. Pure. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { MountEntry } from "../../sys/mount_table.ts";
import { type Device, isWholeDisk } from "../block_devices.ts";

/** A file system on the machine's own disks; appears once, however often it is mounted. */
export interface OwnMount {
  /** Its path in the image, without a leading slash; "" for the root. */
  readonly path: BytePath;
  /** Id of its representative mount in the kernel's table. */
  readonly id: number;
  /** "/dev/sda2" */
  readonly device: BytePath;
  /** Paths in the image at which subvolumes of this file system show that are captured elsewhere. */
  readonly shownAgain?: readonly BytePath[];
}

export interface ChosenMount {
  readonly mount: MountEntry;
  readonly device: Device;
}

/** Chooses one representative mount for each of the machine's own file systems, in mount order. */
export function chooseMounts(
  mounts: readonly MountEntry[],
  { devices, diskTypes }: { devices: readonly Device[]; diskTypes: readonly string[] },
): ChosenMount[] {
  const isDisk = (d: Device) => isWholeDisk(d, diskTypes);
  const own = mounts.flatMap((mount) => {
    // btrfs mounts have their own device number
    const device = devices.find((d) => d.number === mount.number) ??
      devices.find((d) => d.path === mount.source);
    if (!device || (device.foreign && mount.target !== "/") || isServed(mount)) return [];
    const below = device.below.map((name) => devices.find((d) => d.name === name));
    return isDisk(device) || below.some((d) => d && isDisk(d)) ? [{ mount, device }] : [];
  });
  const byFileSystem = Map.groupBy(own, ({ mount, device }) => {
    return mount.type === "btrfs" ? `${device.name} ${mount.part}` : device.name;
  });
  return withoutClashes([...byFileSystem.values()].flatMap(inOrderOfChoice), mounts);
}

/** Whether a process of the machine serves it (ntfs-3g: "fuseblk"), which may never answer. */
function isServed({ type }: MountEntry): boolean {
  return type.startsWith("fuse");
}

/** Order of preference; a later bind mount of the whole file system looks just like the first mount. */
function inOrderOfChoice(mounts: readonly ChosenMount[]): [readonly ChosenMount[]] | [] {
  const root = mounts.filter(({ mount }) => mount.target === "/").slice(-1);
  const whole = mounts.filter(({ mount }) => isWhole(mount));
  const all = [...new Set([...root, ...whole, ...mounts])];
  // only a directory of a btrfs subvolume: the subvolume is mounted elsewhere, or not used as a file system
  return all[0]?.mount.type === "btrfs" && root.length + whole.length === 0 ? [] : [all];
}

/** Whether a whole file system is mounted, or a whole subvolume. */
export function isWhole({ part, subvolume }: MountEntry): boolean {
  return part === (subvolume ?? "/");
}

/** If two share a mount point, the later one, which hides the other, gets it; the other gets another one or none. */
function withoutClashes(
  fileSystems: readonly (readonly ChosenMount[])[],
  order: readonly MountEntry[],
): ChosenMount[] {
  const at = (choice: ChosenMount | undefined) => choice ? order.indexOf(choice.mount) : -1;
  const taken = new Map<BytePath, ChosenMount>();
  for (const choices of fileSystems.toSorted((a, b) => at(b[0]) - at(a[0]))) {
    const choice = choices.find(({ mount }) => !taken.has(mount.target));
    if (choice) taken.set(choice.mount.target, choice);
  }
  return [...taken.values()].sort((a, b) => at(a) - at(b));
}
