import assert from "node:assert/strict";
import type { ChosenDisk } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ExtProperties } from "#contract/format/file_system_properties.ts";
import type { DiskTable, FileSystem, Partition } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import type { DiskFacts } from "../../layout/disks.ts";
import { type Action, confirmChoice, planInstall, plannedEnd, type PlanRequest } from "./plan.ts";
import { describePlan } from "./plan_description.ts";

const MIB = 1 << 20, GIB = 1024 * MIB;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
const BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649";
const ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
const SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";

const part = (
  number: number,
  startMib: number,
  sizeMib: number,
  more: Partial<Partition> = {},
): Partition => ({
  number,
  startSector: startMib * 2048,
  sectors: sizeMib * 2048,
  type: LINUX,
  ...more,
});

const ext4 = (number: number, mountPoint: string, more: Partial<FileSystem> = {}): FileSystem => ({
  volume: { kind: "partition", disk: 0, number },
  type: "ext4",
  uuid: `00000000-0000-4000-8000-00000000000${number}`,
  mountPoint,
  mountOptions: "rw",
  sizeBytes: 8 * GIB,
  usedBytes: GIB,
  mkfs: { features: ["has_journal", "extent"], blockBytes: 4096, inodeBytes: 256, inodes: 524_288 },
  ...more,
});

const biosDisk: DiskTable = {
  name: "vda",
  sizeBytes: 10 * GIB,
  sectorBytes: 512,
  table: "gpt",
  id: "1F0C1A51-7C1B-4B3A-9B55-0123456789AB",
  partitions: [part(1, 1, 1, { type: BIOS_BOOT }), part(2, 2, 8192), part(3, 8194, 1024, { type: SWAP })],
};

function header(
  { disks = [biosDisk], fileSystems = [ext4(2, "/")], swap = [3], firmware = "bios" }: {
    disks?: DiskTable[];
    fileSystems?: FileSystem[];
    swap?: number[];
    firmware?: "bios" | "uefi";
  } = {},
): Header {
  return {
    format: "rackseed-manifest",
    formatVersion: 1,
    image: "web",
    version: 3,
    created: "2026-01-01T00:00:00Z",
    source: {
      hostname: "web",
      distribution: "debian",
      release: "12",
      description: "Debian",
      architecture: "x86_64",
      firmware,
      kernel: "6.1.0",
      kernels: [],
    },
    layout: {
      disks,
      fileSystems,
      swap: swap.map((number) => ({ volume: { kind: "partition", disk: 0, number }, uuid: "s-w-a-p" })),
    },
    excludes: [],
    notes: [],
    totals: { entries: 12_000, files: 10_000, fileBytes: GIB, extentBytes: GIB, sealedBytes: GIB },
    packs: [],
    frames: 0,
  };
}

const disk = (more: Partial<DiskFacts> = {}): DiskFacts => ({
  name: "sda",
  number: "8:0",
  kind: "disk",
  sizeBytes: 10 * GIB,
  sectorBytes: 512,
  names: ["/dev/disk/by-path/pci-0000:00:04.0"],
  removable: false,
  readOnly: false,
  uses: [],
  partitions: [],
  ...more,
});

const plan = (
  options: Partial<Pick<PlanRequest, "header" | "disks" | "firmware" | "disk" | "installed">> = {},
) => planInstall({ node: "n1", header: header(), disks: [disk()], firmware: "bios", ...options });

function tableOf(actions: readonly Action[]) {
  const action = actions.find((a) => a.do === "partition");
  assert(action);
  return action.partitions.map((p) => [p.number, p.startSector / 2048, p.sectors / 2048]);
}

Deno.test("an equal disk gets an equal table", () => {
  const made = plan();
  assert.deepEqual(tableOf(made.actions), [[1, 1, 1], [2, 2, 8192], [3, 8194, 1024]]);
  assert.deepEqual(made.actions.map((a) => a.do), ["partition", "format", "format", "mount", "boot-loader"]);
});

const geometry: { name: string; sizeBytes: number; sectorBytes?: number; expected: number[][] }[] = [
  {
    name: "a larger disk grows the root and moves the swap behind it",
    sizeBytes: 20 * GIB,
    expected: [[1, 1, 1], [2, 2, 8192 + 10_240], [3, 8194 + 10_240, 1024]],
  },
  {
    name: "a disk that is smaller by no more than the free room at its end changes nothing",
    sizeBytes: 9300 * MIB,
    expected: [[1, 1, 1], [2, 2, 8192], [3, 8194, 1024]],
  },
  {
    name: "a smaller disk shrinks the root to what is left",
    sizeBytes: 5 * GIB,
    expected: [[1, 1, 1], [2, 2, 5120 - 2 - 1024 - 1], [3, 5119 - 1024, 1024]],
  },
  {
    name: "a disk of 4096-byte sectors gets the same places in its own sectors",
    sizeBytes: 10 * GIB,
    sectorBytes: 4096,
    expected: [[1, 1, 1], [2, 2, 8192], [3, 8194, 1024]],
  },
];
for (const { name, sizeBytes, sectorBytes = 512, expected } of geometry) {
  Deno.test(name, () => {
    const made = plan({ disks: [disk({ sizeBytes, sectorBytes })] });
    const action = made.actions.find((a) => a.do === "partition");
    const scale = MIB / sectorBytes;
    assert.deepEqual(
      action?.partitions.map((p) => [p.number, p.startSector / scale, p.sectors / scale]),
      expected,
    );
    assert(plannedEnd(made) <= sizeBytes);
  });
}

Deno.test("the file system is made for the room that its partition has, with inodes in the same ratio", () => {
  const made = plan({ disks: [disk({ sizeBytes: 18 * GIB })] });
  const [format] = made.actions.flatMap((a) => a.do === "format" ? [a.formatting] : []);
  assert.equal(format?.sizeBytes, 16 * GIB);
  assert.deepEqual(format?.argv, [
    ...["mkfs.ext4", "-q", "-F", "-F", "-t", "ext4", "-O", "none,has_journal,extent"],
    ...["-b", "4096", "-I", "256", "-N", String(2 * 524_288), "-U", "00000000-0000-4000-8000-000000000002"],
  ]);
});

Deno.test("an MBR disk with logical partitions grows them and the extended one around them", () => {
  const mbr: DiskTable = {
    ...biosDisk,
    table: "dos",
    id: "0x1234abcd",
    partitions: [
      part(1, 1, 512, { type: "83", bootable: true }),
      part(2, 513, 9000, { type: "5" }),
      part(5, 514, 1024, { type: "82" }),
      part(6, 1539, 7000, { type: "83" }),
    ],
  };
  const fileSystems = [ext4(6, "/"), ext4(1, "/boot", { sizeBytes: 512 * MIB, usedBytes: 100 * MIB })];
  const made = plan({
    header: header({ disks: [mbr], fileSystems, swap: [5] }),
    disks: [disk({ sizeBytes: 20 * GIB })],
  });
  assert.deepEqual(tableOf(made.actions), [
    [1, 1, 512],
    [2, 513, 9000 + 10_240],
    [5, 514, 1024],
    [6, 1539, 7000 + 10_240],
  ]);
});

Deno.test("an MBR disk beyond 2 TiB uses what MBR can name", () => {
  const sizeBytes = 4096 * GIB;
  const partitions = [part(1, 1, 8192, { type: "83" })];
  const made = plan({
    header: header({
      disks: [{ ...biosDisk, table: "dos", partitions }],
      fileSystems: [ext4(1, "/")],
      swap: [],
    }),
    disks: [disk({ sizeBytes })],
  });
  assert(plannedEnd(made) <= 2 ** 32 * 512);
  assert(plannedEnd(made) > 2000 * GIB);
});

Deno.test("an ESP keeps its size and a file system for /boot is not what grows", () => {
  const uefi: DiskTable = {
    ...biosDisk,
    partitions: [part(1, 1, 512, { type: ESP }), part(2, 513, 7000), part(3, 7513, 1024)],
  };
  const esp: FileSystem = {
    ...ext4(1, "/boot/efi"),
    type: "vfat",
    uuid: "D914-3B5F",
    label: "ESP",
    mkfs: { features: [], fatBits: 32 },
  };
  const fileSystems = [ext4(2, "/"), ext4(3, "/boot", { sizeBytes: GIB, usedBytes: 100 * MIB }), esp];
  const made = plan({
    header: header({ disks: [uefi], fileSystems, swap: [], firmware: "uefi" }),
    firmware: "uefi",
    disks: [disk({ sizeBytes: 20 * GIB })],
  });
  assert.deepEqual(tableOf(made.actions), [[1, 1, 512], [2, 513, 7000 + 10_240], [3, 7513 + 10_240, 1024]]);
  const vfat = made.actions.find((a) => a.do === "format" && a.formatting.type === "vfat");
  assert(vfat?.do === "format");
  assert.deepEqual(vfat.formatting.argv, ["mkfs.vfat", "-F", "32", "-i", "D9143B5F", "-n", "ESP"]);
  assert.deepEqual(made.actions.at(-1), {
    do: "boot-loader",
    bootLoader: {
      firmware: "uefi",
      rootUuid: "00000000-0000-4000-8000-000000000002",
      esp: "/boot/efi",
      espPartition: 1,
    },
  });
});

const extProperties: ExtProperties = {
  blocks: 2_097_152,
  reservedBlocks: 0,
  reservedUid: 0,
  reservedGid: 0,
  errors: "continue",
  defaultMountOptions: [],
  mountOptions: "",
  stride: 0,
  stripeWidth: 0,
  maxMountCount: -1,
  checkSeconds: 0,
  quotaTypes: [],
};

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
            mkfs: { features: [], blockBytes: 4096, ext: { ...extProperties, journalBlocks: 1 << 20 } },
          }),
        ],
      }),
      disks: [disk({ sizeBytes: 5 * GIB })],
    },
    says: /too small: the image needs 6\.\d GB/,
  },
  {
    name: "a file system with something that cannot be made again",
    options: { header: header({ fileSystems: [ext4(2, "/", { obstacle: "its journal lies elsewhere" })] }) },
    says: /disk 0 partition 2 \(ext4\) cannot be made again: its journal lies elsewhere/,
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
    options: { disk: "/dev/disk/by-path/pci-0000:09:00.0" },
    says: /cannot find the disk .*09:00\.0/,
  },
  {
    name: "a name that two disks bear",
    options: {
      disk: "/dev/disk/by-path/pci-0000:00:04.0",
      disks: [disk({ name: "mmcblk0" }), disk({ name: "mmcblk1" })],
    },
    says: /cannot tell which disk of n1 is .*2 disks bear that name.*mmcblk0.*mmcblk1/,
  },
  {
    name: "a disk with something on it where the node's own is gone",
    options: {
      disks: [disk({ serial: "data", model: "Big", content: "gpt: xfs 'data'" })],
      installed: { serial: "boot", model: "Big", byPath: "/dev/disk/by-path/pci-0000:00:04.0" },
    },
    says: /cannot find the disk that n1 was installed on.*Big boot.*\(gpt: xfs 'data'\) would be lost/,
  },
  {
    name: "a disk with something on it beside one that may be the system's, and is too small",
    options: {
      disks: [
        disk({ name: "sda", sizeBytes: GIB, content: "" }),
        disk({ name: "sdb", content: "xfs 'data'" }),
      ],
    },
    says: /cannot take .*\(sdb.*\(xfs 'data'\).*sda.*too small/,
  },
  {
    name: "a named disk by the kernel's name",
    options: { disk: "/dev/sda" },
    says: /cannot find the disk \/dev\/sda/,
  },
  {
    name: "a named disk that is removable",
    options: { disk: "/dev/disk/by-path/pci-0000:00:04.0", disks: [disk({ removable: true })] },
    says: /cannot install to .*removable/,
  },
  {
    name: "another firmware",
    options: { firmware: "uefi" },
    says: /template starts by BIOS.*started by UEFI/,
  },
  {
    name: "a volume of LVM",
    options: {
      header: header({ fileSystems: [ext4(2, "/", { volume: { kind: "lv", group: "vg", name: "root" } })] }),
    },
    says: /LVM volume vg\/root is of a kind/,
  },
  {
    name: "a RAID array",
    options: {
      header: header({
        fileSystems: [ext4(2, "/"), ext4(2, "/srv", { volume: { kind: "md", name: "md0" } })],
      }),
    },
    says: /MD array md0 is of a kind/,
  },
  {
    name: "a file system that is not rebuilt",
    options: { header: header({ fileSystems: [ext4(2, "/", { type: "btrfs" })] }) },
    says: /file system btrfs/,
  },
  {
    name: "two disks in the layout",
    options: { header: header({ disks: [biosDisk, biosDisk] }) },
    says: /lie on 2 disks/,
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
    name: "4096-byte sectors under a partition that begins between two",
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
  assert.throws(() => plan({ header: bare }), /made of a directory or a tar/);
});

Deno.test("the only disk that can be is chosen among others, whatever their names", () => {
  const others = [
    disk({ name: "sda", transport: "usb" }),
    disk({ name: "sdb", sizeBytes: GIB }),
    disk({ name: "mmcblk0", removable: true }),
  ];
  const made = plan({ disks: [...others, disk({ name: "nvme0n1" })] });
  assert.equal(made.disk.name, "nvme0n1");
  assert.equal(made.because, "the only disk that fits");
});

Deno.test("a disk in place of a dead one is taken where nothing is on it, and the node's own always", () => {
  const byPath = "/dev/disk/by-path/pci-0000:00:04.0";
  const fine: { installed: ChosenDisk; facts: Partial<DiskFacts> }[] = [
    { installed: { serial: "old", byPath }, facts: { serial: "new", byPath, content: "" } },
    {
      installed: { serial: "same", byPath: "elsewhere" },
      facts: { serial: "same", byPath, content: "gpt: ext4" },
    },
    { installed: { byPath }, facts: { serial: "told by its driver now", byPath, content: "gpt: ext4" } },
  ];
  for (const { installed, facts } of fine) {
    assert.equal(plan({ installed, disks: [disk(facts)] }).because, "the only disk");
    const small = disk({ name: "sdb", serial: "small", byPath: "small", sizeBytes: GIB });
    assert.equal(plan({ installed, disks: [small, disk(facts)] }).because, "the only disk that fits");
  }
});

Deno.test("a disk that came to light after the plan was made, and could be meant as well, stops the installation", () => {
  const request: PlanRequest = { node: "n1", header: header(), firmware: "bios", disks: [disk()] };
  const made = planInstall(request);
  const late = disk({ name: "sdb", number: "8:16", names: ["/dev/disk/by-path/pci-0000:00:05.0"] });
  confirmChoice(made, request);
  confirmChoice(made, { ...request, disks: [disk(), { ...late, transport: "usb" }] });
  assert.throws(
    () => confirmChoice(made, { ...request, disks: [disk(), late] }),
    /cannot choose between 2 disks/,
  );
  const swapped = { ...request, disk: late.names[0], disks: [disk(), late] };
  assert.throws(() => confirmChoice(made, swapped), /the plan was made for .*04\.0.*now it would be .*05\.0/);
});

Deno.test("file systems are mounted parents first, whatever their order in the layout", () => {
  const fileSystems = [ext4(3, "/srv/data"), ext4(2, "/")];
  const made = plan({ header: header({ fileSystems, swap: [] }) });
  assert.deepEqual(made.actions.flatMap((a) => a.do === "mount" ? [a.mountPoint] : []), ["/", "/srv/data"]);
});

Deno.test("the operator's choice settles it, by any lasting name", () => {
  const id = "/dev/disk/by-id/nvme-Fast_123";
  const made = plan({ disks: [disk(), disk({ name: "nvme0n1", names: [id] })], disk: id });
  assert.equal(made.disk.name, "nvme0n1");
});

Deno.test("a file system on a whole disk is made there", () => {
  const table: DiskTable = { ...biosDisk, table: "none", partitions: [] };
  const root = ext4(2, "/", { volume: { kind: "disk", disk: 0 } });
  const made = plan({ header: header({ disks: [table], fileSystems: [root], swap: [] }) });
  assert.deepEqual(made.actions.map((a) => a.do), ["erase", "format", "mount", "boot-loader"]);
});

Deno.test("a person can read the plan", () => {
  assert.deepEqual(describePlan(plan({ disks: [disk({ sizeBytes: 20 * GIB })] })), [
    "install web@3 on /dev/disk/by-path/pci-0000:00:04.0 (sda, 21.5 GB), the only disk; all that is on it is lost",
    "write a partition table (GPT)",
    "  partition 1: 1.0 MB from sector 2048",
    "  partition 2: 19.3 GB from sector 4096, fitted to the disk",
    "  partition 3: 1.1 GB from sector 37752832",
    "format disk 0 partition 2 as ext4, 19.3 GB for /, UUID 00000000-0000-4000-8000-000000000002",
    "format disk 0 partition 3 as swap, 1.1 GB, UUID s-w-a-p",
    "mount disk 0 partition 2 as /",
    "install GRUB for BIOS into the disk's start",
  ]);
});
