/** The shape of Ubuntu's server: /boot and LVM on ext4, netplan, cloud-init as the installer leaves it, /swap.img, a snap. */
import { ipv4 } from "../addresses.ts";
import { file } from "../template_settings.ts";
import { madeForTheClone } from "./parts.ts";
import type { LabLayout } from "./layout.ts";

const uuids = { boot: "1b0ce3ef-3a9d-4cc1-9a39-13d3a4b6e501", root: "27f6ce0f-5bd4-4d7f-a5a4-1a1d8b0be502" };

export const ubuntu: LabLayout = {
  firmware: "uefi",
  disksMiB: [4096],
  nodeDisksMiB: [4096],
  packages: ["lvm2", "netplan.io", "cloud-init", "squashfs-tools"],
  swaps: 1,
  mayDiffer: [
    ...madeForTheClone,
    { path: "swap.img", reason: "swap file: recreated" },
    { path: ".", aspects: ["mtime"], reason: "something in this folder is on the list" },
    // cloud-init makes one, which OpenSSH no longer does
    { path: "etc/ssh/ssh_host_dsa_key*", reason: "identity: the node's own" },
    { path: "etc/netplan", aspects: ["mtime"], reason: "identity: the node's own" },
    { path: "etc/netplan/**", reason: "identity: the node's own" },
    { path: "etc/cloud/cloud.cfg.d", aspects: ["mtime"], reason: "identity: the node's own" },
    { path: "etc/cloud/cloud.cfg.d/99-rackseed.cfg", reason: "identity: the node's own" },
  ],
  fileSystems: [
    { at: "/", type: "ext4", sizeMiB: 2600, mkfs: ["-U", uuids.root], device: "/dev/ubuntu-vg/ubuntu-lv" },
    { at: "/boot", type: "ext4", sizeMiB: 400, mkfs: ["-U", uuids.boot], device: "/dev/vdb2" },
    { at: "/boot/efi", type: "vfat", sizeMiB: 64, mkfs: ["-i", "7B77A501"], device: "/dev/vdb1" },
  ],
  files: [
    file(
      "etc/fstab",
      `/dev/disk/by-id/dm-uuid-LVM-@LV@ / ext4 defaults 0 1
/dev/disk/by-uuid/${uuids.boot} /boot ext4 defaults 0 1
/dev/disk/by-uuid/7B77-A501 /boot/efi vfat defaults 0 1
/swap.img none swap sw 0 0
`,
    ),
    file(
      "etc/netplan/00-installer-config.yaml",
      `# This is the network config written by 'subiquity'
network:
  ethernets:
    enp0s3:
      addresses:
      - ${ipv4.template}/24
  version: 2
`,
      0o600,
    ),
    file("etc/cloud/ds-identify.cfg", "policy: enabled\n"),
    file("etc/cloud/cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg", "network: {config: disabled}\n"),
    file(
      "etc/cloud/cloud.cfg.d/99-installer.cfg",
      `datasource:
  None:
    metadata:
      instance-id: 6d0f0c4e-94a3-4c2c-9f52-0d3a5be1e503
    userdata_raw: "#cloud-config\\ngrowpart:\\n  mode: 'off'\\npreserve_hostname: true\\nresize_rootfs: false\\nssh_deletekeys: false\\n"
datasource_list:
- None
`,
      0o600,
    ),
    file(
      "etc/systemd/system/snap-hello-42.mount",
      `[Unit]
Description=Mount unit for hello, revision 42
Before=local-fs.target
[Mount]
What=/var/lib/snapd/snaps/hello_42.snap
Where=/snap/hello/42
Type=squashfs
Options=nodev,ro
[Install]
WantedBy=multi-user.target
`,
    ),
  ],
  setUp: `
rm -f /etc/systemd/network/10-lan.network
mkdir -p /snap/hello/42 /var/lib/snapd/snaps /tmp/hello/bin
echo 'echo hello' > /tmp/hello/bin/hello
mksquashfs /tmp/hello /var/lib/snapd/snaps/hello_42.snap -quiet -no-progress -comp xz; rm -r /tmp/hello
systemctl enable systemd-networkd snap-hello-42.mount
fallocate -l 64M /swap.img; chmod 600 /swap.img; mkswap -q /swap.img
update-initramfs -u -k all
`,
  create: `
printf 'label: gpt\\nsize=64M, type=U\\nsize=400M, type=L\\ntype=L\\n' | sfdisk --quiet /dev/vdb
udevadm settle
pvcreate -q /dev/vdb3
vgcreate -q ubuntu-vg /dev/vdb3
lvcreate -q -y -n ubuntu-lv -L 2600M ubuntu-vg
`,
  boot: `
sed -i "s|@LV@|$(lvs --noheadings -o vg_uuid,lv_uuid ubuntu-vg/ubuntu-lv | tr -d ' -')|" /etc/fstab
cat /etc/fstab
grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=ubuntu --no-nvram
grub-install --target=x86_64-efi --efi-directory=/boot/efi --removable --no-nvram
update-grub
`,
  assemble: "vgchange -q -ay ubuntu-vg\n",
};
