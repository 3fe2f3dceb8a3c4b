/** What goes from an image into the initramfs in addition to the tools that #contract/tools.ts requires. */

/** Included if present: for a person at the node's console, and for work that no layout requires. */
export const optionalTools = [
  ...["busybox", "ls", "cat", "cp", "mv", "rm", "ln", "mkdir", "sleep", "grep", "less", "ps", "du"],
  ...["blockdev", "dmesg", "findmnt", "losetup", "lsblk", "umount"],
  ...["dumpe2fs", "resize2fs", "tune2fs", "mkfs.ext4", "e2fsck", "mkfs.vfat", "fsck.vfat"],
  ...["mkfs.xfs", "xfs_growfs", "xfs_repair", "mkswap"],
  ...["efibootmgr", "lvm", "mdadm"],
];

/** The folders to search for a tool, in order. */
export const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Configuration files that the tools read. An entry that ends in `/` is a folder, included whole. */
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

/** Libraries that programs dlopen: pthread_cancel needs the first, users of udev and kmod the second. */
export const dlopenedLibraries = ["libgcc_s.so.1", "libkmod.so.2"];
