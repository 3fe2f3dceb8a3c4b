/** What of a machine's disks, volumes and file systems cannot be rebuilt, and what to do about it. Pure. */
import { describeVolume, type DiskLayout } from "#contract/format/layout.ts";
import type { MountEntry } from "../sys/mount_table.ts";
import type { Unseen } from "../layout/read_others.ts";

const REBUILT = new Set(["ext2", "ext3", "ext4", "vfat", "xfs", "btrfs", "f2fs"]);

export function layoutObstacles(layout: DiskLayout): string[] {
  const { disks, arrays = [], encrypted = [], groups = [], fileSystems } = layout;
  const obstacles = [
    ...disks.map(({ name, obstacle }) => of(name, obstacle)),
    ...arrays.map(({ name, obstacle }) => of(`the MD array ${name}`, obstacle)),
    ...encrypted.map(({ name, obstacle }) => of(`the encrypted volume ${name}`, obstacle)),
    ...groups.flatMap(({ name, obstacle, logical }) => [
      of(`the volume group ${name}`, obstacle),
      ...logical.map((volume) => of(`the LVM volume ${name}/${volume.name}`, volume.obstacle)),
    ]),
    ...fileSystems.map(({ type, mountPoint, obstacle }) =>
      of(`${mountPoint} (${type})`, obstacle ?? (REBUILT.has(type) ? undefined : fileSystemObstacle(type)))
    ),
  ];
  return obstacles.filter((one) => one !== undefined);
}

function of(subject: string, obstacle: string | undefined): string | undefined {
  if (obstacle === undefined) return undefined;
  // a reason that ends in its remedy says all
  return obstacle.includes(": ")
    ? `${subject}: ${obstacle}`
    : `${subject}: ${obstacle}, which is not supported`;
}

function fileSystemObstacle(type: string): string {
  const instead = "move its content to ext4, XFS or btrfs";
  return type === "bcachefs"
    ? `bcachefs is not rebuilt: ${instead}`
    : `${type} is not rebuilt: ${instead}, or unmount it`;
}

export function unseenObstacle({ volume, type, because }: Unseen): string {
  const name = `${describeVolume(volume)} (${type})`;
  switch (because) {
    case "unmounted":
      return `${name} is not mounted, so clones get it empty: mount it to capture its content`;
    case "inactive":
      return `${
        describeVolume(volume)
      } is not active, so clones get it empty: activate it (lvchange -ay) and mount it`;
    case "served":
      return `${name} is mounted by a program (FUSE), so clones get it empty: mount it with the kernel's driver to capture it`;
    case "hidden":
      return `${name} is hidden by another file system on its mount point, so clones get it empty: ` +
        "mount it elsewhere to capture its content";
  }
}

/** Why the root is on no disk that a layout could describe. */
export function absentRootObstacle(mounts: readonly MountEntry[]): string {
  const type = mounts.findLast(({ target }) => target === "/")?.type ?? "unknown";
  const instead = "install the system on ext4, XFS or btrfs";
  switch (type) {
    case "zfs":
      return `the root file system is on ZFS, which is not rebuilt: ${instead}`;
    case "bcachefs":
      return `the root file system is a bcachefs over several devices, which is not rebuilt: ${instead}`;
    case "overlay":
    case "tmpfs":
    case "squashfs":
      return `the root file system is in memory or a live image (${type}): install the system on a disk first`;
    default:
      return `the root file system (${type}) is not on a disk of this machine`;
  }
}
