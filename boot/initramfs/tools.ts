/** What of an image goes into the initramfs beside the tools that #contract/tools.ts requires. */

/** Taken where they are, for a person at the node's console and for work that no layout demands. */
export const welcomeTools = [
  ...["busybox", "ls", "cat", "cp", "mv", "rm", "ln", "mkdir", "sleep", "grep", "less", "ps", "du"],
  ...["blockdev", "dmesg", "findmnt", "losetup", "lsblk", "umount"],
  ...["dumpe2fs", "resize2fs", "tune2fs", "mkfs.ext4", "e2fsck", "mkfs.vfat", "fsck.vfat"],
  ...["mkfs.xfs", "xfs_growfs", "xfs_repair", "mkswap"],
  ...["efibootmgr", "lvm", "mdadm"],
];

/** Folders in the order in which a tool is looked for. */
export const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Configuration that the tools read; entries that end in `/` are folders, taken whole. */
export const toolConfiguration = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d/",
  "/etc/lvm/lvm.conf",
  "/etc/mke2fs.conf",
  "/etc/modprobe.d/",
  "/lib/modprobe.d/",
  "/usr/lib/modprobe.d/",
];

/** Libraries that programs open by themselves: pthread_cancel needs the first, udev and kmod users the second. */
export const openedLibraries = ["libgcc_s.so.1", "libkmod.so.2"];
