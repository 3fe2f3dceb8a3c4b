/**
 * The programs of the template's own system that rebuild a node, with the packages they are in. A capture checks the
 * template for them, and the initramfs carries them.
 */
import { type OsRelease, packageIn } from "./distributions.ts";
import type { DiskLayout } from "./format/layout.ts";

export interface Tool {
  readonly name: string;
  /** Package in the Debian family, and in the RHEL family. */
  readonly debian: string;
  readonly rhel: string;
  /** Absent: always needed. Otherwise only if the template has this. */
  readonly when?: ToolUse;
}

export type ToolUse =
  | "ext"
  | "vfat"
  | "xfs"
  | "btrfs"
  | "f2fs"
  | "swap"
  | "md"
  | "lvm"
  | "luks"
  | "bios"
  | "uefi";

export const REQUIRED_TOOLS: readonly Tool[] = [
  { name: "sfdisk", debian: "fdisk", rhel: "util-linux" },
  { name: "blkid", debian: "util-linux", rhel: "util-linux" },
  { name: "partx", debian: "util-linux", rhel: "util-linux" },
  { name: "wipefs", debian: "util-linux", rhel: "util-linux" },
  { name: "modprobe", debian: "kmod", rhel: "kmod" },
  { name: "mount", debian: "mount", rhel: "util-linux" },
  { name: "ip", debian: "iproute2", rhel: "iproute" },
  { name: "chroot", debian: "coreutils", rhel: "coreutils" },
  { name: "sh", debian: "dash", rhel: "bash" },
  { name: "mkfs.ext4", debian: "e2fsprogs", rhel: "e2fsprogs", when: "ext" },
  { name: "tune2fs", debian: "e2fsprogs", rhel: "e2fsprogs", when: "ext" },
  { name: "e2fsck", debian: "e2fsprogs", rhel: "e2fsprogs", when: "ext" },
  { name: "mkfs.vfat", debian: "dosfstools", rhel: "dosfstools", when: "vfat" },
  { name: "mkfs.xfs", debian: "xfsprogs", rhel: "xfsprogs", when: "xfs" },
  { name: "mkfs.btrfs", debian: "btrfs-progs", rhel: "btrfs-progs", when: "btrfs" },
  { name: "btrfs", debian: "btrfs-progs", rhel: "btrfs-progs", when: "btrfs" },
  { name: "mkfs.f2fs", debian: "f2fs-tools", rhel: "f2fs-tools", when: "f2fs" },
  { name: "fsck.f2fs", debian: "f2fs-tools", rhel: "f2fs-tools", when: "f2fs" },
  { name: "mkswap", debian: "util-linux", rhel: "util-linux", when: "swap" },
  { name: "mdadm", debian: "mdadm", rhel: "mdadm", when: "md" },
  { name: "lvm", debian: "lvm2", rhel: "lvm2", when: "lvm" },
  { name: "cryptsetup", debian: "cryptsetup-bin", rhel: "cryptsetup", when: "luks" },
];

/** Programs that run in the clone's own tree (chroot), so that the initramfs need not carry them. */
export const CLONE_TOOLS: readonly Tool[] = [
  { name: "grub-install", debian: "grub-pc", rhel: "grub2-pc", when: "bios" },
  { name: "grub-install", debian: "grub-efi-amd64", rhel: "grub2-efi-x64", when: "uefi" },
  { name: "efibootmgr", debian: "efibootmgr", rhel: "efibootmgr", when: "uefi" },
];

/** Programs that examine a machine at capture. */
export const CAPTURE_TOOLS: readonly Tool[] = [
  { name: "sfdisk", debian: "fdisk", rhel: "util-linux" },
  { name: "lsblk", debian: "util-linux", rhel: "util-linux" },
  { name: "blkid", debian: "util-linux", rhel: "util-linux" },
  { name: "dumpe2fs", debian: "e2fsprogs", rhel: "e2fsprogs", when: "ext" },
  { name: "mdadm", debian: "mdadm", rhel: "mdadm", when: "md" },
  { name: "lvm", debian: "lvm2", rhel: "lvm2", when: "lvm" },
];

/** For remedies: the package of the distribution; "fdisk (RHEL: util-linux)" if it is not known. */
export function packageOf(tool: Tool, release?: OsRelease): string {
  return packageIn(release, tool);
}

const FILE_SYSTEM_USES = ["ext", "vfat", "xfs", "btrfs", "f2fs"] as const;

/** The uses that a layout implies. */
export function usesOf(layout: DiskLayout, firmware: "bios" | "uefi"): Set<ToolUse> {
  const uses = new Set<ToolUse>([firmware]);
  for (const { type } of layout.fileSystems) {
    const use = FILE_SYSTEM_USES.find((use) => use === type.replace(/^ext[234]$/, "ext"));
    if (use) uses.add(use);
  }
  if (layout.swap.length > 0 || layout.swapFiles?.length) uses.add("swap");
  if (layout.arrays?.length) uses.add("md");
  if (layout.groups?.length) uses.add("lvm");
  if (layout.encrypted?.length) uses.add("luks");
  return uses;
}

/** The tools without which an image with these uses cannot be installed. */
export function requiredTools(uses: ReadonlySet<ToolUse>): Tool[] {
  return REQUIRED_TOOLS.filter((tool) => tool.when === undefined || uses.has(tool.when));
}
