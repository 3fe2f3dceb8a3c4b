import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { GPT_LAYOUT, MBR_LAYOUT, NVME, onDisk, ROOT } from "../disk_references/testing/layouts.ts";
import { TemplateDisks } from "../disk_references/template_disks.ts";
import { isBootFile, rootObstacle } from "./prove_root.ts";

const [root] = GPT_LAYOUT.fileSystems as [DiskLayout["fileSystems"][0]];
const onLvm: DiskLayout = {
  ...GPT_LAYOUT,
  groups: [{
    name: "rhel",
    uuid: "v",
    extentBytes: 4 << 20,
    physical: [{ volume: { kind: "partition", disk: 0, number: 2 }, uuid: "p", sizeBytes: 1e9 }],
    logical: ["root", "home"].map((name) => ({ name, uuid: name, type: "linear" as const, sizeBytes: 1e9 })),
  }],
  fileSystems: [{ ...root, volume: { kind: "lv", group: "rhel", name: "root" } }],
};
const onBtrfs: DiskLayout = {
  ...GPT_LAYOUT,
  fileSystems: [{
    ...root,
    type: "btrfs",
    mkfs: {
      features: [],
      btrfs: {
        nodeBytes: 16_384,
        sectorBytes: 4096,
        checksum: "crc32c",
        features: [],
        disabled: [],
        runtime: [],
        dataProfile: "single",
        metadataProfile: "dup",
        subvolumes: [{ path: "@", readOnly: false }, { path: "@home", readOnly: false }],
      },
    },
  }],
};

const CASES: { name: string; text: string; layout?: DiskLayout; obstacle?: RegExp }[] = [
  { name: "by UUID", text: `linux /vmlinuz root=UUID=${ROOT} ro` },
  { name: "by label", text: 'options root="LABEL=gr\xc3\xb6\xc3\x9fe" ro' },
  { name: "by PARTUUID", text: "linux /vmlinuz root=PARTUUID=1a2b3c4d-01 ro", layout: MBR_LAYOUT },
  { name: "by a link", text: `linux /vmlinuz root=/dev/disk/by-uuid/${ROOT} ro` },
  { name: "by the kernel's name", text: "linux /vmlinuz root=/dev/sda2 ro", obstacle: /root=\/dev\/sda2/ },
  { name: "another file system", text: "options root=UUID=12AB-34CD", obstacle: /root=UUID=12AB-34CD/ },
  {
    name: "one entry of several is enough: others may be of systems beside",
    text: `linux /a root=/dev/sdb1\nlinux /vmlinuz root=UUID=${ROOT} ro`,
  },
  {
    name: "a variable, with a search for the root",
    text: `search --fs-uuid --set=root ${ROOT}\nlinux /vmlinuz $kernelopts`,
  },
  { name: "nothing at all", text: "set default=0", obstacle: /names the root file system neither/ },
  { name: "LVM", text: "options root=/dev/mapper/rhel-root ro rd.lvm.lv=rhel/root", layout: onLvm },
  { name: "LVM, the other way", text: "options root=/dev/rhel/root ro", layout: onLvm },
  {
    name: "another logical volume",
    text: "options root=/dev/mapper/rhel-home ro",
    layout: onLvm,
    obstacle: /rhel-home/,
  },
  { name: "btrfs", text: `options root=UUID=${ROOT} rootflags=noatime,subvol=/@ rw`, layout: onBtrfs },
  { name: "btrfs's default subvolume", text: `options root=UUID=${ROOT} rw`, layout: onBtrfs },
  {
    name: "a subvolume that is not captured",
    text: `options root=UUID=${ROOT} rootflags=subvol=@rootfs rw`,
    layout: onBtrfs,
    obstacle: /subvolume @rootfs/,
  },
];

for (const { name, text, layout = GPT_LAYOUT, obstacle } of CASES) {
  Deno.test(`the root in the boot configuration: ${name}`, () => {
    const found = rootObstacle(
      [{ path: "/boot/grub/grub.cfg", text }],
      new TemplateDisks(layout, onDisk(NVME)),
    );
    if (obstacle) assert.match(found ?? "", obstacle);
    else assert.equal(found, undefined);
  });
}

Deno.test("which files hold the boot configuration", () => {
  const boot = [
    ...[
      "/boot/grub/grub.cfg",
      "/boot/grub2/grubenv",
      "/boot/efi/EFI/redhat/grub.cfg",
      "/efi/loader/entries/a.conf",
    ],
    ...["/boot/loader/entries/ffff-5.14.conf", "/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg"],
  ];
  const others = ["/etc/fstab", "/etc/default/grub", "/boot/grub/device.map", "/etc/kernel/cmdline"];
  assert.deepEqual([...boot, ...others].filter(isBootFile), boot);
});
