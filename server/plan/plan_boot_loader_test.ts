import assert from "node:assert/strict";
import type { BootFacts } from "#contract/format/boot.ts";
import type { DiskLayout, DiskTable, FileSystem, Volume } from "#contract/format/layout.ts";
import type { MdArray } from "#contract/format/volumes.ts";
import { type BootLoaderPlan, espCopies, loaderVolumes, planBootLoader } from "./plan_boot_loader.ts";
import { biosDisk, ESP, ext4, GIB, MIB, part } from "./testing/templates.ts";

const RAID = "A19D880F-05FC-4D3B-A006-743F0F84911E";
const on = (disk: number, number: number) => ({ kind: "partition" as const, disk, number });
const md = (name: string): Volume => ({ kind: "md", name });

const array = (name: string, members: Volume[], more: Partial<MdArray> = {}): MdArray => ({
  name,
  uuid: "3aaa0122:29827cfa:5331ad66:ca767371",
  metadata: "1.2",
  level: "raid1",
  slots: members.length,
  members,
  spares: [],
  memberBytes: GIB,
  chunkBytes: 0,
  bitmap: "internal",
  sizeBytes: GIB,
  ...more,
});

const uefiDisk: DiskTable = {
  ...biosDisk,
  partitions: [
    part(1, 1, 512, { type: ESP }),
    part(2, 513, 1024, { type: RAID }),
    part(3, 1537, 7000, { type: RAID }),
  ],
};
const mbrDisk: DiskTable = {
  ...biosDisk,
  table: "dos",
  id: "0x1a2b3c4d",
  partitions: [part(1, 1, 8192, { type: "fd" })],
};
const tight: DiskTable = {
  ...mbrDisk,
  partitions: [{ number: 1, startSector: 63, sectors: 16e6, type: "fd" }],
};
const esp: FileSystem = {
  ...ext4(1, "/boot/efi"),
  type: "vfat",
  uuid: "D914-3B5F",
  label: "ESP",
  sizeBytes: 512 * MIB,
  mkfs: { features: [], fatBits: 32 },
};
const facts = (more: Partial<BootFacts>): BootFacts => ({
  loader: "grub",
  entries: [],
  initramfs: "dracut",
  hostOnly: true,
  drivers: [],
  ...more,
});
const layout = (more: Partial<DiskLayout>): DiskLayout => ({
  disks: [biosDisk],
  fileSystems: [ext4(2, "/")],
  swap: [],
  ...more,
});
const mirrored = ext4(2, "/", { volume: md("root") });

const CASES: { name: string; layout: DiskLayout; firmware: "bios" | "uefi"; plan: BootLoaderPlan }[] = [
  {
    name: "one disk",
    layout: layout({}),
    firmware: "bios",
    plan: { firmware: "bios", loader: "grub", disks: [0] },
  },
  {
    name: "each disk of a mirror gets GRUB",
    layout: layout({
      disks: [biosDisk, biosDisk],
      fileSystems: [mirrored],
      arrays: [array("root", [on(0, 2), on(1, 2)])],
    }),
    firmware: "bios",
    plan: { firmware: "bios", loader: "grub", disks: [0, 1] },
  },
  {
    name: "GRUB goes to the disks of /boot, not to those of the root",
    layout: layout({
      disks: [biosDisk, biosDisk],
      fileSystems: [ext4(2, "/", { volume: on(1, 2) }), ext4(3, "/boot", { volume: on(0, 3) })],
    }),
    firmware: "bios",
    plan: { firmware: "bios", loader: "grub", disks: [0] },
  },
  {
    name: "a disk of the root has room for GRUB, the one of /boot has none",
    layout: layout({
      disks: [biosDisk, uefiDisk],
      fileSystems: [ext4(2, "/", { volume: on(0, 2) }), ext4(3, "/boot", { volume: on(1, 3) })],
    }),
    firmware: "bios",
    plan: { firmware: "bios", loader: "grub", disks: [0] },
  },
  {
    name: "an old MBR with 62 free sectors serves a plain partition",
    layout: layout({ disks: [tight], fileSystems: [ext4(1, "/")] }),
    firmware: "bios",
    plan: { firmware: "bios", loader: "grub", disks: [0] },
  },
  {
    name: "an ESP on each disk of a mirror, of which one is mounted",
    layout: layout({
      disks: [uefiDisk, uefiDisk],
      fileSystems: [mirrored, esp],
      arrays: [array("root", [on(0, 3), on(1, 3)])],
      boot: facts({ copies: [{ volume: on(1, 1), uuid: "D914-3B60" }] }),
    }),
    firmware: "uefi",
    plan: { firmware: "uefi", loader: "grub", esp: "/boot/efi", partitions: [on(0, 1)], copies: [on(1, 1)] },
  },
  {
    name: "a third disk of the mirror, which the template did not have",
    layout: layout({
      disks: [uefiDisk, uefiDisk, uefiDisk],
      fileSystems: [mirrored, esp],
      arrays: [array("root", [on(0, 3), on(1, 3), on(2, 3)])],
      boot: facts({ copies: [{ volume: on(1, 1) }] }),
    }),
    firmware: "uefi",
    plan: {
      firmware: "uefi",
      loader: "grub",
      esp: "/boot/efi",
      partitions: [on(0, 1)],
      copies: [on(1, 1), on(2, 1)],
    },
  },
  {
    name: "an ESP on an array with its metadata at the end",
    layout: layout({
      disks: [uefiDisk, uefiDisk],
      fileSystems: [mirrored, { ...esp, volume: md("esp") }],
      arrays: [
        array("root", [on(0, 3), on(1, 3)]),
        array("esp", [on(0, 1), on(1, 1)], { metadata: "1.0" }),
      ],
    }),
    firmware: "uefi",
    plan: {
      firmware: "uefi",
      loader: "grub",
      esp: "/boot/efi",
      partitions: [on(0, 1), on(1, 1)],
      copies: [],
    },
  },
  {
    name: "a data disk's ESP is not filled",
    layout: layout({
      disks: [uefiDisk, uefiDisk],
      fileSystems: [ext4(3, "/"), esp, ext4(3, "/srv", { volume: on(1, 3) })],
    }),
    firmware: "uefi",
    plan: { firmware: "uefi", loader: "grub", esp: "/boot/efi", partitions: [on(0, 1)], copies: [] },
  },
  {
    name: "systemd-boot",
    layout: layout({
      disks: [uefiDisk],
      fileSystems: [ext4(3, "/"), { ...esp, mountPoint: "/efi" }],
      boot: facts({ loader: "systemd-boot" }),
    }),
    firmware: "uefi",
    plan: { firmware: "uefi", loader: "systemd-boot", esp: "/efi", partitions: [on(0, 1)], copies: [] },
  },
];

for (const { name, layout, firmware, plan } of CASES) {
  Deno.test(`boot loader: ${name}`, () => {
    assert.deepEqual(planBootLoader({ layout, firmware, image: "web@3" }), plan);
  });
}

const REFUSED: { name: string; layout: DiskLayout; firmware: "bios" | "uefi"; reason: RegExp }[] = [
  {
    name: "a GPT without a BIOS boot partition",
    layout: layout({ disks: [uefiDisk], fileSystems: [ext4(3, "/")] }),
    firmware: "bios",
    reason: /GPT has no BIOS boot partition/,
  },
  {
    name: "62 sectors do not hold GRUB's modules for an array",
    layout: layout({
      disks: [tight, tight],
      fileSystems: [mirrored],
      arrays: [array("root", [on(0, 1), on(1, 1)])],
    }),
    firmware: "bios",
    reason: /MBR has too few free sectors/,
  },
  {
    name: "an ESP on an array with its metadata at the start",
    layout: layout({
      disks: [uefiDisk, uefiDisk],
      fileSystems: [mirrored, { ...esp, volume: md("esp") }],
      arrays: [array("root", [on(0, 3), on(1, 3)]), array("esp", [on(0, 1), on(1, 1)])],
    }),
    firmware: "uefi",
    reason: /lies on MD array esp, where no firmware finds it/,
  },
  {
    name: "no ESP is mounted",
    layout: layout({ disks: [uefiDisk], fileSystems: [ext4(3, "/")] }),
    firmware: "uefi",
    reason: /no EFI system partition mounted/,
  },
  {
    name: "systemd-boot on BIOS",
    layout: layout({ boot: facts({ loader: "systemd-boot" }) }),
    firmware: "bios",
    reason: /systemd-boot, which needs UEFI/,
  },
];

for (const { name, layout, firmware, reason } of REFUSED) {
  Deno.test(`boot loader, refused: ${name}`, () => {
    assert.throws(() => planBootLoader({ layout, firmware, image: "web@3" }), reason);
  });
}

Deno.test("copies of the ESP get the template's UUIDs where it had them, and its own label", () => {
  const { layout, plan } = CASES.find(({ name }) => name.startsWith("a third disk")) ?? assert.fail();
  const known = { ...layout, boot: facts({ copies: [{ volume: on(1, 1), uuid: "D914-3B60" }] }) };
  assert.deepEqual(espCopies(known, plan).map(({ volume, uuid, label }) => [volume, uuid, label]), [
    [on(1, 1), "D914-3B60", undefined],
    [on(2, 1), undefined, "ESP"],
  ]);
  assert.deepEqual(loaderVolumes(plan), [on(0, 1), on(1, 1), on(2, 1)]);
});
