import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { parseMountTable } from "../sys/mount_table.ts";
import { absentRootObstacle, layoutObstacles, unseenObstacle } from "./layout_obstacles.ts";

const volume = { kind: "partition" as const, disk: 0, number: 1 };
const disk = {
  name: "sda",
  sizeBytes: 1e9,
  sectorBytes: 512 as const,
  table: "gpt" as const,
  partitions: [],
};
const root = {
  volume,
  type: "ext4",
  mountPoint: "/",
  mountOptions: "rw",
  sizeBytes: 1e9,
  usedBytes: 1e8,
  mkfs: { features: [] },
};
const array = {
  name: "boot",
  uuid: "3aaa0122:29827cfa:5331ad66:ca767371",
  metadata: "1.2",
  level: "raid1",
  slots: 1,
  members: [volume],
  spares: [],
  memberBytes: 1e9,
  chunkBytes: 0,
  bitmap: "none" as const,
  sizeBytes: 1e9,
};
const encrypted = {
  name: "safe",
  on: volume,
  version: 2 as const,
  uuid: "aa",
  cipher: "aes-xts-plain64",
  keyBits: 512,
  sectorBytes: 512,
  flags: [],
  opensWith: [],
  sizeBytes: 1e9,
};
const logical = { name: "root", uuid: "bb", type: "linear" as const, sizeBytes: 1e9 };
const group = { name: "vg0", uuid: "cc", extentBytes: 4 << 20, physical: [], logical: [logical] };
const good: DiskLayout = {
  disks: [disk],
  arrays: [array],
  encrypted: [encrypted],
  groups: [group],
  fileSystems: [
    root,
    ...["btrfs", "f2fs", "xfs", "vfat"].map((type) => ({ ...root, type, mountPoint: `/${type}` })),
  ],
  swap: [],
};

Deno.test("a layout of which every part is rebuilt has no obstacle", () => {
  assert.deepEqual(layoutObstacles(good), []);
});

const obstacle = "it is odd: change it";
const cases: [where: string, layout: Partial<DiskLayout>, says: string][] = [
  [
    "a disk",
    { disks: [{ ...disk, obstacle: "its partition table is of the type sun" }] },
    "sda: its partition table is of the type sun, which is not supported",
  ],
  ["an array", { arrays: [{ ...array, obstacle }] }, `the MD array boot: ${obstacle}`],
  [
    "an encrypted volume",
    { encrypted: [{ ...encrypted, obstacle }] },
    `the encrypted volume safe: ${obstacle}`,
  ],
  ["a group", { groups: [{ ...group, obstacle }] }, `the volume group vg0: ${obstacle}`],
  [
    "a logical volume",
    { groups: [{ ...group, logical: [{ ...logical, obstacle }] }] },
    `the LVM volume vg0/root: ${obstacle}`,
  ],
  ["a file system", { fileSystems: [{ ...root, obstacle }] }, `/ (ext4): ${obstacle}`],
  [
    "bcachefs",
    { fileSystems: [{ ...root, type: "bcachefs" }] },
    "/ (bcachefs): bcachefs is not rebuilt: move its content to ext4, XFS or btrfs",
  ],
  [
    "JFS",
    { fileSystems: [{ ...root, type: "jfs" }] },
    "/ (jfs): jfs is not rebuilt: move its content to ext4, XFS or btrfs, or unmount it",
  ],
];
for (const [where, layout, says] of cases) {
  Deno.test(`an obstacle of ${where} is told with its subject and its remedy`, () => {
    assert.deepEqual(layoutObstacles({ ...good, ...layout }), [says]);
  });
}

Deno.test("content that nobody mounts is told, on volumes of every kind", () => {
  const lv = { kind: "lv" as const, group: "vg0", name: "srv" };
  assert.match(
    unseenObstacle({ volume: lv, type: "xfs", because: "unmounted" }),
    /LVM volume vg0\/srv \(xfs\) is not mounted/,
  );
  assert.match(
    unseenObstacle({ volume: lv, type: "unknown", because: "inactive" }),
    /vg0\/srv is not active.*lvchange -ay/,
  );
});

const roots: [type: string, source: string, says: RegExp][] = [
  ["zfs", "rpool/ROOT/debian", /is on ZFS, which is not rebuilt/],
  ["bcachefs", "/dev/sda2:/dev/sdb2", /bcachefs over several devices/],
  ["overlay", "overlay", /a live image \(overlay\): install the system on a disk/],
  ["nfs4", "server:/root", /\(nfs4\) is not on a disk of this machine/],
];
for (const [type, source, says] of roots) {
  Deno.test(`a root of the type ${type} is refused in words`, () => {
    const table = parseMountTable(Buffer.from(`20 1 0:25 / / rw - ${type} ${source} rw\n`));
    assert.match(absentRootObstacle(table), says);
  });
}
