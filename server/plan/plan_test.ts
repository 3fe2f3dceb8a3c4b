import assert from "node:assert/strict";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout, DiskTable, FileSystem } from "#contract/format/layout.ts";
import { type Action, plannedEnd } from "./actions.ts";
import { describePlan } from "./plan_description.ts";
import { biosDisk, disk, ESP, ext4, GIB, header, MIB, part, plan } from "./testing/templates.ts";

function tableOf(actions: readonly Action[]) {
  const action = actions.find((a) => a.do === "partition");
  assert(action);
  return action.partitions.map((p) => [p.number, p.startSector / 2048, p.sectors / 2048]);
}

Deno.test("an equal disk gets an equal table", () => {
  const made = plan();
  assert.deepEqual(tableOf(made.actions), [[1, 1, 1], [2, 2, 8192], [3, 8194, 1024]]);
  assert.deepEqual(made.actions.map((a) => a.do), [
    ...["wipe", "partition", "format", "format", "mount", "boot-loader"],
  ]);
});

const geometry: { name: string; sizeBytes: number; sectorBytes?: number; expected: number[][] }[] = [
  {
    name: "a larger disk grows the root and moves the swap behind it",
    sizeBytes: 20 * GIB,
    expected: [[1, 1, 1], [2, 2, 8192 + 10_240], [3, 8194 + 10_240, 1024]],
  },
  {
    name: "a disk that is smaller by at most the free room at its end changes nothing",
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
    assert(plannedEnd(made, 0) <= sizeBytes);
  });
}

Deno.test("a file system is made in the size of its partition, with inodes in the same ratio", () => {
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

Deno.test("an MBR disk beyond 2 TiB is used as far as MBR can address it", () => {
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
  assert(plannedEnd(made, 0) <= 2 ** 32 * 512);
  assert(plannedEnd(made, 0) > 2000 * GIB);
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
      loader: "grub",
      esp: "/boot/efi",
      partitions: [{ kind: "partition", disk: 0, number: 1 }],
      copies: [],
    },
  });
});

Deno.test("file systems are mounted parents first, whatever their order in the layout", () => {
  const fileSystems = [ext4(3, "/srv/data"), ext4(2, "/")];
  const made = plan({ header: header({ fileSystems, swap: [] }) });
  assert.deepEqual(made.actions.flatMap((a) => a.do === "mount" ? [a.mountPoint] : []), ["/", "/srv/data"]);
});

Deno.test("a file system on a whole disk is made there", () => {
  const table: DiskTable = { ...biosDisk, table: "none", partitions: [] };
  const root = ext4(2, "/", { volume: { kind: "disk", disk: 0 } });
  const made = plan({ header: header({ disks: [table], fileSystems: [root], swap: [] }) });
  assert.deepEqual(made.actions.map((a) => a.do), ["wipe", "erase", "format", "mount", "boot-loader"]);
});

Deno.test("the plan as text", () => {
  assert.deepEqual(describePlan(plan({ disks: [disk({ sizeBytes: 20 * GIB })] })), [
    "install web@3 on /dev/disk/by-path/pci-0000:00:04.0 (sda, 21.5 GB), the only disk; everything on it is lost",
    "erase the signatures of earlier systems on disk 0",
    "write a partition table (GPT) to disk 0",
    "  partition 1: 1.0 MB from sector 2048",
    "  partition 2: 19.3 GB from sector 4096, fitted to the disk",
    "  partition 3: 1.1 GB from sector 37752832",
    "format disk 0 partition 2 as ext4, 19.3 GB for /, UUID 00000000-0000-4000-8000-000000000002",
    "format disk 0 partition 3 as swap, 1.1 GB, UUID s-w-a-p",
    "mount disk 0 partition 2 as /",
    "install GRUB for BIOS into the disk's start",
  ]);
});

Deno.test("a disk with several paths is one disk: the plan names all, and says how the clone takes it", () => {
  const many = disk({ paths: ["sda", "sdb"] });
  const notesWith = (boot: DiskLayout["boot"]) => {
    const plain = header();
    const { layout = { disks: [], fileSystems: [], swap: [] } } = plain;
    return describePlan(
      plan({ header: { ...plain, layout: { ...layout, ...(boot && { boot }) } }, disks: [many] }),
    )
      .join("\n");
  };
  assert.match(notesWith(undefined), /\(sda, also seen as sdb, /);
  assert.match(
    notesWith(GRUB_ONLY),
    /sda and sdb are paths to one disk, .* written by sda; the image has no multipathd/,
  );
  assert.match(notesWith({ ...GRUB_ONLY, multipath: true }), /the clone's multipathd joins them/);
});
