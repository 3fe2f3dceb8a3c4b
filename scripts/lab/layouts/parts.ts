import type { Exception } from "../compare_trees.ts";

/** What a clone's own initramfs, crypttab and loader entries change. */
export const madeForTheClone: readonly Exception[] = [
  ...["boot/initrd*", "boot/initramfs*", "boot/loader/entries/**", "etc/crypttab"].map((path) => ({
    path,
    reason: "made for the clone's own volumes",
  })),
  ...["boot", "var"].map((path) => ({
    path: `${path}/lost+found`,
    aspects: ["mtime"] as const,
    reason: "made by mkfs",
  })),
  ...["boot", "boot/loader/entries"].map((path) => ({
    path,
    aspects: ["mtime"] as const,
    reason: "something in this folder is on the list",
  })),
];

/**
 * dracut under emulation takes a quarter of an hour, so it runs on the host, which cannot show it the machine that the
 * initramfs is for: the modules of its drivers are named.
 */
export const hostOnly = (modules: string) =>
  `hostonly="yes"
hostonly_cmdline="no"
add_dracutmodules+=" ${modules} "
add_drivers+=" virtio_pci virtio_blk virtio_net dm_mod dm_crypt xfs ext4 "
compress="zstd"
`;

/** RHEL 8's mkfs.xfs has neither: an XFS with them is not mounted by its kernel. */
export const xfsAsInRhel8: readonly string[] = ["-m", "bigtime=0,inobtcount=0"];
