/** A btrfs with a subvolume for each purpose, snapshots as snapper makes them, compression, and systemd-boot. */
import { file } from "../template_settings.ts";
import type { LabLayout } from "./layout.ts";

const uuid = "5d0ae4e5-2f0b-4c5e-9c1f-95ab6b1ce301", esp = "7B77-A301";
const options = (subvolume: string) => `defaults,compress=zstd:1,subvol=${subvolume}`;

export const btrfs: LabLayout = {
  firmware: "uefi",
  disksMiB: [3584],
  nodeDisksMiB: [4096],
  packages: ["btrfs-progs", "systemd-boot"],
  swaps: 0,
  mayDiffer: [
    {
      path: "etc/kernel/entry-token",
      reason: "identity: names the loader entries, no longer the machine-id",
    },
    { path: "etc/kernel", aspects: ["mtime"], reason: "something in this folder is on the list" },
  ],
  fileSystems: [
    {
      at: "/",
      type: "btrfs",
      sizeMiB: 2800,
      mkfs: ["-L", "system", "-U", uuid],
      device: "/dev/vdb2",
      subvolumes: [
        { name: "@", at: "/" },
        { name: "@home", at: "/home" },
        { name: "@snapshots", at: "/.snapshots" },
      ],
    },
    { at: "/boot/efi", type: "vfat", sizeMiB: 300, mkfs: ["-i", esp.replace("-", "")], device: "/dev/vdb1" },
  ],
  files: [
    file(
      "etc/fstab",
      `UUID=${uuid} / btrfs ${options("@")} 0 0
UUID=${uuid} /home btrfs ${options("@home")} 0 0
UUID=${uuid} /.snapshots btrfs ${options("@snapshots")} 0 0
UUID=${esp} /boot/efi vfat umask=0077 0 2
`,
    ),
    file("etc/kernel/cmdline", `root=UUID=${uuid} rootflags=subvol=@ console=ttyS0,115200\n`),
    file("home/operator/notes", "what the operator wrote\n"),
    file(
      ".snapshots/1/info.xml",
      `<?xml version="1.0"?>
<snapshot>
  <type>single</type>
  <num>1</num>
  <date>2026-01-02 03:04:05</date>
  <description>first root filesystem</description>
</snapshot>
`,
    ),
  ],
  setUp: `
systemctl enable systemd-networkd
update-initramfs -u -k all
mkdir /var/lib/database; chattr +C /var/lib/database; head -c 5000000 /dev/urandom > /var/lib/database/table
btrfs -q property set /opt compression zstd
btrfs -q subvolume snapshot -r /home /.snapshots/1/snapshot
`,
  create: `
printf 'label: gpt\\nsize=300M, type=U\\ntype=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709\\n' | sfdisk --quiet /dev/vdb
udevadm settle
`,
  boot: `
bootctl install --no-variables --esp-path=/boot/efi
for version in $(ls /lib/modules); do kernel-install add $version /boot/vmlinuz-$version /boot/initrd.img-$version; done
printf 'timeout 1\\nconsole-mode keep\\n' >> /boot/efi/loader/loader.conf
find /boot/efi -type f
`,
  assemble: "modprobe btrfs\n",
  nested: ["/.snapshots/1/snapshot"],
  alike: `
btrfs subvolume list $0 | sed 's/.* path //' | sort
btrfs subvolume get-default $0
for subvolume in / /home /.snapshots /.snapshots/1/snapshot; do btrfs property get -t subvol $0$subvolume ro; done
btrfs property get $0/opt compression
lsattr -d $0/var/lib/database $0/var/lib/database/table
btrfs filesystem df $0 | cut -d : -f 1
`,
};
