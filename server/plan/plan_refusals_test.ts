import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import { ENCRYPTED_LAYOUT } from "../../test/support/encrypted_layout.ts";
import { EXT } from "../../test/support/file_system_properties.ts";
import { biosDisk, disk, ext4, GIB, header, part, plan } from "./testing/templates.ts";

function withBoot(facts: Partial<BootFacts>) {
  const plain = header(), { layout } = plain;
  return { ...plain, ...(layout && { layout: { ...layout, boot: { ...GRUB_ONLY, ...facts } } }) };
}

function withObstacles(...obstacles: string[]) {
  const plain = header(), { layout } = plain;
  return { ...plain, ...(layout && { layout: { ...layout, obstacles } }) };
}

const refusals: { name: string; options: Parameters<typeof plan>[0]; says: RegExp }[] = [
  {
    name: "a disk that is too small",
    options: { disks: [disk({ sizeBytes: 2 * GIB })] },
    says: /too small: the image needs 2\.\d GB/,
  },
  {
    name: "a disk without room for a journal as large as the template's",
    options: {
      header: header({
        fileSystems: [
          ext4(2, "/", {
            mkfs: { features: [], blockBytes: 4096, ext: { ...EXT, journalBlocks: 1 << 20 } },
          }),
        ],
      }),
      disks: [disk({ sizeBytes: 5 * GIB })],
    },
    says: /too small: the image needs 6\.\d GB/,
  },
  {
    name: "a file system with something that cannot be reproduced",
    options: { header: header({ fileSystems: [ext4(2, "/", { obstacle: "its journal is elsewhere" })] }) },
    says: /disk 0 partition 2 \(ext4\) cannot be reproduced: its journal is elsewhere/,
  },
  {
    name: "a disk whose driver is not in the initramfs, which cannot be made again",
    options: {
      header: withBoot({ hostOnly: true, drivers: ["ahci"], noRemake: "mkinitcpio has no preset" }),
      disks: [disk({ drivers: ["ahci", "nvme"] })],
    },
    says: /only the template's drivers, .* needs nvme, and it cannot be made again: mkinitcpio has no preset/,
  },
  {
    name: "hooks for the first boot, which the image cannot run",
    options: {
      header: withBoot({ noFirstBoot: "none of curl, bash, perl, wget" }),
      firstBootHooks: ["join"],
    },
    says: /has none of curl, bash, perl, wget, and so cannot run hooks .*remove the hooks: join/,
  },
  {
    name: "an image that no clone could be booted from, by what its capture found",
    options: { header: withObstacles("GRUB for BIOS is missing: install grub-pc") },
    says: /no clone of its template could be made to boot: GRUB for BIOS is missing: install grub-pc/,
  },
  { name: "a machine without a disk", options: { disks: [] }, says: /shows no disk/ },
  {
    name: "only a USB disk",
    options: { disks: [disk({ transport: "usb" })] },
    says: /attached by USB/,
  },
  { name: "only a removable disk", options: { disks: [disk({ removable: true })] }, says: /removable/ },
  { name: "only a read-only disk", options: { disks: [disk({ readOnly: true })] }, says: /read-only/ },
  {
    name: "a disk in use",
    options: { disks: [disk({ uses: ["sda1 is mounted on /srv"] })] },
    says: /sda1 is mounted on \/srv/,
  },
  {
    name: "two disks that both fit",
    options: {
      disks: [disk(), disk({ name: "nvme0n1", names: ["/dev/disk/by-path/pci-0000:03:00.0-nvme-1"] })],
    },
    says: /choose one: `rackseed node set n1 --disk \/dev\/disk\/by-path\/pci-0000:00:04\.0` or .*nvme-1/,
  },
  {
    name: "a named disk that is not there",
    options: { choices: { disks: ["/dev/disk/by-path/pci-0000:09:00.0"] } },
    says: /cannot find the disk .*09:00\.0/,
  },
  {
    name: "a name that two disks have",
    options: {
      choices: { disks: ["/dev/disk/by-path/pci-0000:00:04.0"] },
      disks: [disk({ name: "mmcblk0" }), disk({ name: "mmcblk1" })],
    },
    says: /cannot tell which disk of n1 is .*2 disks have that name.*mmcblk0.*mmcblk1/,
  },
  {
    name: "a disk that holds data, with the node's own gone",
    options: {
      disks: [disk({ serial: "data", model: "Big", content: "gpt: xfs 'data'" })],
      installed: [
        { layoutDisk: 0, serial: "boot", model: "Big", byPath: "/dev/disk/by-path/pci-0000:00:04.0" },
      ],
    },
    says: /cannot find the disk that n1 was installed on.*Big boot.*\(gpt: xfs 'data'\) would be lost/,
  },
  {
    name: "a disk that holds data, next to one that may be the system's and is too small",
    options: {
      disks: [
        disk({ name: "sda", sizeBytes: GIB, content: "" }),
        disk({ name: "sdb", content: "xfs 'data'" }),
      ],
    },
    says: /cannot take .*\(sdb.*\(xfs 'data'\).*sda.*too small/,
  },
  {
    name: "a disk named by its kernel name",
    options: { choices: { disks: ["/dev/sda"] } },
    says: /cannot find the disk \/dev\/sda/,
  },
  {
    name: "a named disk that is removable",
    options: {
      choices: { disks: ["/dev/disk/by-path/pci-0000:00:04.0"] },
      disks: [disk({ removable: true })],
    },
    says: /cannot install to .*removable/,
  },
  {
    name: "another firmware",
    options: { firmware: "uefi" },
    says: /template boots with BIOS.*booted with UEFI/,
  },
  {
    name: "a volume of an LVM group that is not there",
    options: {
      header: header({ fileSystems: [ext4(2, "/", { volume: { kind: "lv", group: "vg", name: "root" } })] }),
    },
    says: /contradicts itself at LVM volume vg\/root/,
  },
  {
    name: "a RAID array that is not there",
    options: {
      header: header({
        fileSystems: [ext4(2, "/"), ext4(2, "/srv", { volume: { kind: "md", name: "md0" } })],
      }),
    },
    says: /contradicts itself at MD array md0/,
  },
  {
    name: "content that fits only while its snapshots share their room",
    options: {
      header: header({ fileSystems: [ext4(2, "/", { type: "btrfs", unsharedBytes: 900 * GIB })], swap: [] }),
    },
    says: /btrfs.* needs 966\.4 GB/,
  },
  {
    name: "a file system that is not rebuilt",
    options: { header: header({ fileSystems: [ext4(2, "/", { type: "bcachefs" })] }) },
    says: /file system bcachefs/,
  },
  {
    name: "a GPT without room for GRUB",
    options: {
      header: header({ disks: [{ ...biosDisk, partitions: [part(2, 2, 8192)] }], swap: [] }),
    },
    says: /no BIOS boot partition/,
  },
  {
    name: "a layout that uses a partition twice",
    options: { header: header({ fileSystems: [ext4(2, "/"), ext4(2, "/srv")] }) },
    says: /contradicts itself/,
  },
  {
    name: "a layout without a root",
    options: { header: header({ fileSystems: [ext4(2, "/srv")] }) },
    says: /no root file system/,
  },
  {
    name: "4096-byte sectors under 1024-byte blocks",
    options: {
      header: header({ fileSystems: [ext4(2, "/", { mkfs: { features: [], blockBytes: 1024 } })] }),
      disks: [disk({ sectorBytes: 4096 })],
    },
    says: /smaller than this disk's sectors/,
  },
  {
    name: "4096-byte sectors under a partition that begins inside one",
    options: {
      header: header({
        disks: [{ ...biosDisk, table: "dos", partitions: [{ ...part(2, 0, 8192), startSector: 63 }] }],
        swap: [],
      }),
      disks: [disk({ sectorBytes: 4096 })],
    },
    says: /multiple of 4096/,
  },
];
for (const { name, options, says } of refusals) {
  Deno.test(`refused, with nothing done: ${name}`, () => {
    assert.throws(
      () => plan(options),
      (error) =>
        error instanceof RackseedError && says.test(`${error.title}: ${error.reason} ${error.remedy}`),
    );
  });
}

Deno.test("an image of a directory is refused", () => {
  const { layout: _, source: __, ...bare } = header();
  assert.throws(() => plan({ header: bare }), /made from a directory or a tar/);
});

Deno.test("a dry run makes no volumes, so it need not be said how they are opened", () => {
  const encrypted = ENCRYPTED_LAYOUT, image = { ...header(), layout: encrypted };
  const disks = [disk({ sizeBytes: 20 * GIB })];
  assert.throws(() => plan({ header: image, disks }), /nothing says how n1 opens them/);
  plan({ header: image, disks, isDryRun: true });
});

Deno.test("an initramfs that cannot be made again is no obstacle to disks with the template's drivers", () => {
  const facts = { drivers: ["ahci", "libahci"], noRemake: "mkinitcpio has no preset" };
  plan({ header: withBoot({ ...facts, hostOnly: true }), disks: [disk({ drivers: ["ahci"] })] });
  plan({ header: withBoot({ ...facts, hostOnly: false }), disks: [disk({ drivers: ["nvme"] })] });
  // an agent that does not report them
  plan({ header: withBoot({ ...facts, hostOnly: true }) });
});
