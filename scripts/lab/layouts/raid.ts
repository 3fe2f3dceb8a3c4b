/** Debian's server on two disks: RAID 1 for /boot, RAID 1 with LVM for the rest, BIOS. */
import { file } from "../template_settings.ts";
import type { LabLayout } from "./layout.ts";

const arrays = { boot: "7e1d1c1a:90cf34a4:4aa17cb4:19b0aa01", system: "7e1d1c1a:90cf34a4:4aa17cb4:19b0aa02" };
const bootUuid = "0bc8bb5c-6f5e-4d04-9c05-54b07ab5d101";
const table = "label: gpt\\nsize=1M, type=21686148-6449-6E6F-744E-656564454649\\n" +
  "size=256M, type=A19D880F-05FC-4D3B-A006-743F0F84911E\\ntype=A19D880F-05FC-4D3B-A006-743F0F84911E\\n";

export const raid: LabLayout = {
  firmware: "bios",
  disksMiB: [3072, 3072],
  nodeDisksMiB: [4096, 4096],
  packages: ["mdadm", "lvm2", "xfsprogs"],
  swaps: 1,
  isMirrored: true,
  fileSystems: [
    { at: "/", type: "xfs", sizeMiB: 1500, mkfs: [], device: "/dev/system/root" },
    { at: "/boot", type: "ext4", sizeMiB: 250, mkfs: ["-U", bootUuid], device: "/dev/md/boot" },
    { at: "/var", type: "ext4", sizeMiB: 900, mkfs: [], device: "/dev/system/var" },
  ],
  files: [
    file(
      "etc/fstab",
      `/dev/mapper/system-root / xfs defaults 0 0
UUID=${bootUuid} /boot ext4 defaults,noatime 0 2
/dev/mapper/system-var /var ext4 defaults 0 2
/dev/mapper/system-swap none swap sw 0 0
`,
    ),
    file(
      "etc/mdadm/mdadm.conf",
      `HOMEHOST <system>
MAILADDR root
ARRAY /dev/md/boot  metadata=1.2 UUID=${arrays.boot} name=template:boot
ARRAY /dev/md/system  metadata=1.2 UUID=${arrays.system} name=template:system
`,
    ),
  ],
  setUp: `
systemctl enable systemd-networkd
printf 'grub-pc grub-pc/install_devices multiselect %s, %s\\n' /dev/disk/by-id/virtio-template-disk \\
  /dev/disk/by-id/virtio-template-disk-1 | debconf-set-selections
update-initramfs -u -k all
`,
  // The disks are empty, so the mirrors are equal.
  create: `
for disk in vdb vdc; do printf '${table}' | sfdisk --quiet /dev/$disk; done
udevadm settle
mirror='--quiet --run --level=1 --raid-devices=2 --metadata=1.2 --assume-clean --homehost=template'
mdadm --create /dev/md/boot $mirror --name=boot --uuid=${arrays.boot} /dev/vdb2 /dev/vdc2
mdadm --create /dev/md/system $mirror --name=system --uuid=${arrays.system} --bitmap=internal /dev/vdb3 /dev/vdc3
udevadm settle
pvcreate -q /dev/md/system
vgcreate -q system /dev/md/system
lvcreate -q -y -n root -L 1500M system
lvcreate -q -y -n var -L 900M system
lvcreate -q -y -n swap -L 128M system
mkswap -q /dev/system/swap
`,
  boot: `
for disk in vdb vdc; do grub-install --target=i386-pc /dev/$disk; done
update-grub
`,
  assemble: `
mdadm --assemble --scan --quiet || true
vgchange -q -ay system
`,
};
