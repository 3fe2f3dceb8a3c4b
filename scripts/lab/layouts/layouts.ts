import { btrfs } from "./btrfs.ts";
import { data } from "./data.ts";
import type { LabLayout } from "./layout.ts";
import { luks } from "./luks.ts";
import { raid } from "./raid.ts";
import { rhel } from "./rhel.ts";
import { ubuntu } from "./ubuntu.ts";

/** `lab --layout NAME` */
export const layouts: Readonly<Record<string, LabLayout>> = {
  raid,
  rhel,
  btrfs,
  luks: luks("tpm2"),
  "luks-passphrase": luks("passphrase"),
  ubuntu,
  data,
};

/** One line on each, for the help. */
export const layoutWords: Readonly<Record<string, string>> = {
  raid: "BIOS, two disks: RAID 1, LVM, XFS root, ext4 /var, swap",
  rhel: "UEFI: XFS /boot, XFS root on LVM, dracut, NetworkManager, SELinux labels",
  btrfs: "UEFI: btrfs with subvolumes, snapshots and compression, systemd-boot",
  luks: "UEFI: LUKS2 on LVM, opened by the TPM",
  "luks-passphrase": "the same, opened by a passphrase",
  ubuntu: "UEFI: ext4 on LVM, netplan, cloud-init, /swap.img, a snap",
  data: "BIOS: one disk for the system, one for data that stays the node's",
};
