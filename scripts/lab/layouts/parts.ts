import type { Exception } from "../compare_trees.ts";

/** What a clone's own initramfs, crypttab and loader entries change. */
export const madeForTheClone: readonly Exception[] = [
  ...["boot/initrd*", "boot/initramfs*", "boot/loader/entries/**", "etc/crypttab"].map((path) => ({
    path,
    reason: "made for the clone's own volumes",
  })),
  ...["boot", "boot/loader/entries"].map((path) => ({
    path,
    aspects: ["mtime"] as const,
    reason: "something in this folder is on the list",
  })),
];

/** RHEL 8's mkfs.xfs has neither: an XFS with them is not mounted by its kernel. */
export const xfsAsInRhel8: readonly string[] = ["-m", "bigtime=0,inobtcount=0"];
