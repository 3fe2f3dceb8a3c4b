/**
 * The shape of RHEL and its kin: ESP, /boot on XFS, root on XFS on LVM, dracut's host-only initramfs, NetworkManager,
 * SELinux labels, BLS entries. Debian's GRUB cannot read the entries, so grub.cfg has one of its own.
 */
import { ipv4 } from "../addresses.ts";
import { file } from "../template_settings.ts";
import { hostOnly, madeForTheClone, xfsAsInRhel8 } from "./parts.ts";
import type { LabLayout } from "./layout.ts";

const bootUuid = "4b6f2c86-9c0e-4d2f-8a44-6bb1b3a7d201", connection = "3d7a5c5e-2b7e-4a5b-93f0-5b9d5a1c2f01";

export const rhel: LabLayout = {
  firmware: "uefi",
  disksMiB: [3584],
  nodeDisksMiB: [4096],
  packages: ["dracut", "network-manager", "lvm2", "xfsprogs", "attr"],
  swaps: 1,
  mayDiffer: [
    ...madeForTheClone,
    { path: "etc/NetworkManager/system-connections", aspects: ["mtime"], reason: "identity: the node's own" },
    { path: "etc/NetworkManager/system-connections/**", reason: "identity: the node's own" },
    { path: "var/lib/NetworkManager", aspects: ["mtime"], reason: "identity: the node's own" },
    { path: "var/lib/NetworkManager/**", reason: "identity: the node's own" },
  ],
  fileSystems: [
    { at: "/", type: "xfs", sizeMiB: 2200, mkfs: xfsAsInRhel8, device: "/dev/rhel/root" },
    {
      at: "/boot",
      type: "xfs",
      sizeMiB: 400,
      mkfs: [...xfsAsInRhel8, "-m", `uuid=${bootUuid}`],
      device: "/dev/vdb2",
    },
    { at: "/boot/efi", type: "vfat", sizeMiB: 64, mkfs: ["-i", "7B77A201"], device: "/dev/vdb1" },
  ],
  files: [
    file(
      "etc/fstab",
      `/dev/mapper/rhel-root / xfs defaults 0 0
UUID=${bootUuid} /boot xfs defaults 0 0
UUID=7B77-A201 /boot/efi vfat umask=0077,shortname=winnt 0 2
/dev/mapper/rhel-swap none swap defaults 0 0
`,
    ),
    file(
      "etc/NetworkManager/system-connections/enp0s2.nmconnection",
      `[connection]
id=enp0s2
uuid=${connection}
type=ethernet

[ethernet]

[ipv4]
address1=${ipv4.template}/24
method=manual

[ipv6]
method=disabled
`,
      0o600,
    ),
    file("etc/selinux/config", "SELINUX=permissive\nSELINUXTYPE=targeted\n"),
    file("etc/dracut.conf.d/lab.conf", hostOnly("lvm")),
    file(
      "etc/kernel/cmdline",
      "root=/dev/mapper/rhel-root ro rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap console=ttyS0,115200\n",
    ),
  ],
  setUp: `
systemctl enable NetworkManager
systemctl disable systemd-networkd networking 2> /dev/null || true
rm -f /etc/systemd/network/10-lan.network
version=$(ls /lib/modules)
dracut --force --kver $version /boot/initramfs-$version.img
rm -f /boot/initrd.img-*
`,
  create: `
printf 'label: gpt\\nsize=64M, type=U\\nsize=400M, type=L\\ntype=E6D6D379-F507-44C2-A23C-238F2A3DF928\\n' |
  sfdisk --quiet /dev/vdb
udevadm settle
pvcreate -q /dev/vdb3
vgcreate -q rhel /dev/vdb3
lvcreate -q -y -n swap -L 128M rhel
lvcreate -q -y -n root -L 2200M rhel
mkswap -q /dev/rhel/swap
`,
  boot: `
version=$(ls /lib/modules)
mkdir -p /boot/loader/entries
cat > /boot/loader/entries/$(cat /etc/machine-id)-$version.conf <<ENTRY
title Red Hat Enterprise Linux ($version) 9.4 (Plow)
version $version
linux /vmlinuz-$version
initrd /initramfs-$version.img
options $(cat /etc/kernel/cmdline)
grub_users \\$grub_users
grub_arg --unrestricted
grub_class kernel
ENTRY
grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=redhat --no-nvram
grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
sed -i 's|^GRUB_CMDLINE_LINUX=.*|GRUB_CMDLINE_LINUX="rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap console=ttyS0,115200"|' \\
  /etc/default/grub
update-grub
grep initramfs /boot/grub/grub.cfg
label() { xargs -0 setfattr -h -n security.selinux -v "system_u:object_r:$1:s0"; }
find / -xdev -fstype xfs -print0 | label default_t
find /usr -xdev -fstype xfs -print0 | label usr_t
find /etc -xdev -fstype xfs -print0 | label etc_t
find /var -xdev -fstype xfs -print0 | label var_t
find /boot -xdev -fstype xfs ! -path /boot/efi -print0 | label boot_t
`,
  assemble: "vgchange -q -ay rhel\n",
};
