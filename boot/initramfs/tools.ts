/** What goes from an image into the initramfs in addition to the tools that #contract/tools.ts requires. */

import type { ToolUse } from "#contract/tools.ts";

/** Included if present: for a person at the node's console, and for work that no layout requires. */
const always = [
  ...["busybox", "ls", "cat", "cp", "mv", "rm", "ln", "mkdir", "sleep", "grep", "less", "ps", "du"],
  ...["blockdev", "dmesg", "findmnt", "losetup", "lsblk", "umount"],
  ...["dumpe2fs", "resize2fs", "tune2fs", "mkfs.ext4", "e2fsck", "mkfs.vfat", "fsck.vfat"],
  ...["mkfs.xfs", "xfs_growfs", "xfs_repair", "mkswap"],
  "efibootmgr",
];

/** Included if present and the image's layout has this use. */
const ofUse: Readonly<Partial<Record<ToolUse, readonly string[]>>> = {
  // LVM checks a thin pool with the second before it activates it
  lvm: ["lvm", "dmsetup", "thin_check", "thin_repair", "thin_dump", "thin_restore"],
  md: ["mdadm"],
  luks: ["cryptsetup", "dmsetup"],
  btrfs: ["btrfs", "mkfs.btrfs", "btrfstune"],
  f2fs: ["mkfs.f2fs", "fsck.f2fs", "resize.f2fs"],
  // a script, with the program that it runs
  xfs: ["xfs_admin", "xfs_db", "xfs_io"],
};

export function optionalTools(uses: ReadonlySet<ToolUse>): string[] {
  return [...always, ...[...uses].flatMap((use) => ofUse[use] ?? [])];
}

/** The folders to search for a tool, in order. */
export const toolFolders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/**
 * Configuration files that the tools read. An entry that ends in `/` is a folder, included whole. What names the
 * template's disks stays out: LVM's devices file, the filter cache, mdadm.conf, crypttab.
 */
export const toolConfiguration = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d/",
  "/etc/lvm/lvm.conf",
  // volumes may name a profile in their metadata
  "/etc/lvm/profile/",
  "/etc/mke2fs.conf",
  "/etc/modprobe.d/",
  "/lib/modprobe.d/",
  "/usr/lib/modprobe.d/",
];

/**
 * Libraries that programs dlopen: pthread_cancel needs the first, users of udev and kmod the second, kmod 33 and later
 * those that decompress modules and check their signatures. The agent uses the last two as well (#native).
 */
export const dlopenedLibraries = [
  ...["libgcc_s.so.1", "libkmod.so.2"],
  ...["liblzma.so.5", "libz.so.1", "libzstd.so.1", "libcrypto.so.3"],
];
