/** A plain system disk, and a disk for data that belongs to the machine it is in. */
import { file } from "../template_settings.ts";
import type { LabLayout } from "./layout.ts";

const root = "9a7d1f3c-16d8-4a3a-8c51-6e2f4c8bf601";

export const data: LabLayout = {
  firmware: "bios",
  disksMiB: [3072, 512],
  nodeDisksMiB: [4096, 600],
  packages: ["acl"],
  swaps: 1,
  mayDiffer: [
    { path: "srv/data", aspects: ["mtime"], reason: "the mount point of a disk that is not captured" },
  ],
  fileSystems: [
    { at: "/", type: "ext4", sizeMiB: 2600, mkfs: ["-U", root], device: "/dev/vdb2" },
    { at: "/srv/data", type: "ext4", sizeMiB: 500, mkfs: ["-L", "DATA"], device: "/dev/vdc1", isOwn: true },
  ],
  files: [
    file(
      "etc/fstab",
      `UUID=${root} / ext4 errors=remount-ro 0 1\nLABEL=DATA /srv/data ext4 defaults 0 2\n/dev/disk/by-id/virtio-template-disk-part3 none swap sw 0 0\n`,
    ),
    file("srv/data/records", "the template's records\n"),
  ],
  setUp: `
systemctl enable systemd-networkd
printf 'grub-pc grub-pc/install_devices multiselect /dev/disk/by-id/virtio-template-disk\\n' | debconf-set-selections
update-initramfs -u -k all
`,
  create: `
printf 'label: gpt\\nsize=1M, type=21686148-6449-6E6F-744E-656564454649\\nsize=2600M, type=L\\nsize=128M, type=S\\n' |
  sfdisk --quiet /dev/vdb
printf 'label: gpt\\nsize=500M, type=L\\n' | sfdisk --quiet /dev/vdc
udevadm settle
mkswap -q /dev/vdb3
`,
  boot: `
grub-install --target=i386-pc /dev/vdb
update-grub
`,
  assemble: "",
};
