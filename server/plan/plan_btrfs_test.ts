import assert from "node:assert/strict";
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";
import type { FileSystem } from "#contract/format/layout.ts";
import {
  describeSubvolumes,
  mkfsBtrfsArgv,
  mountsOf,
  plannedSubvolumes,
  type SubvolumePlan,
} from "./plan_btrfs.ts";
import { mkfsF2fsArgv } from "./plan_f2fs.ts";

const BTRFS: BtrfsProperties = {
  nodeBytes: 16_384,
  sectorBytes: 4096,
  checksum: "crc32c",
  features: ["extref", "no-holes", "free-space-tree"],
  disabled: ["mixed-bg", "block-group-tree"],
  runtime: ["free-space-tree"],
  dataProfile: "single",
  metadataProfile: "dup",
  subvolumes: [
    { path: "@", readOnly: false },
    {
      path: "@/.snapshots",
      readOnly: false,
      mountPoint: "/.snapshots",
      mountOptions: "rw,subvol=/@/.snapshots",
    },
    { path: "@/.snapshots/1/snapshot", readOnly: false },
    { path: "@/.snapshots/2/snapshot", readOnly: true, snapshotOf: "@/.snapshots/1/snapshot" },
    { path: "@home", readOnly: false, mountPoint: "/home", mountOptions: "rw,noatime,compress-force=zstd:1" },
  ],
  mountedSubvolume: "@/.snapshots/1/snapshot",
  defaultSubvolume: "@/.snapshots/1/snapshot",
};

function fileSystem(btrfs: Partial<BtrfsProperties> = {}): FileSystem {
  return {
    volume: { kind: "partition", disk: 0, number: 2 },
    type: "btrfs",
    uuid: "0d7ab6d0-6d7f-4a3a-9a3e-25bd0b3d9f2c",
    label: "root disk",
    mountPoint: "/",
    mountOptions: "rw,relatime,compress=zstd:3,space_cache=v2,subvolid=258,subvol=/@/.snapshots/1/snapshot",
    sizeBytes: 8 * 2 ** 30,
    usedBytes: 2 ** 30,
    mkfs: { features: [], btrfs: { ...BTRFS, ...btrfs } },
  };
}

Deno.test("mkfs.btrfs gets every feature by name, those of old programs as runtime features", () => {
  assert.deepEqual(mkfsBtrfsArgv(fileSystem({ checksum: "xxhash" })), [
    ...["mkfs.btrfs", "--quiet", "--force", "--uuid", "0d7ab6d0-6d7f-4a3a-9a3e-25bd0b3d9f2c"],
    ...["--label", "root disk", "--nodesize", "16384", "--sectorsize", "4096", "--csum", "xxhash"],
    ...["--data", "single", "--metadata", "dup", "--features", "extref,no-holes,^mixed-bg,^block-group-tree"],
    ...["--runtime-features", "free-space-tree"],
  ]);
  const runtime = ["free-space-tree", "block-group-tree"];
  const argv = mkfsBtrfsArgv(fileSystem({ features: [], disabled: runtime, runtime }));
  assert(!argv.includes("--features"));
  assert.equal(argv.at(-1), "^free-space-tree,^block-group-tree");
});

Deno.test("each subvolume is mounted where the template mounts it, and files are compressed as they are written", () => {
  assert.deepEqual(mountsOf(fileSystem()), [
    { mountPoint: "/", options: "subvol=/@/.snapshots/1/snapshot,compress=zstd:3" },
    { mountPoint: "/.snapshots", options: "subvol=/@/.snapshots" },
    { mountPoint: "/home", options: "subvol=/@home,compress-force=zstd:1" },
  ]);
});

Deno.test("a btrfs without subvolumes, its top mounted beside a subvolume, and any other file system", () => {
  const { mountedSubvolume: _m, defaultSubvolume: _d, ...rest } = BTRFS;
  const plain = { ...fileSystem(), mkfs: { features: [], btrfs: { ...rest, subvolumes: [] } } };
  assert.deepEqual(mountsOf(plain), [{ mountPoint: "/", options: "subvol=/,compress=zstd:3" }]);
  assert.equal(plannedSubvolumes(plain), undefined);
  const beside = fileSystem({ top: { mountPoint: "/mnt/top", mountOptions: "rw" } });
  assert.deepEqual(mountsOf(beside).map((m) => m.mountPoint), ["/", "/.snapshots", "/home", "/mnt/top"]);
  assert.equal(mountsOf(beside)[3]?.options, "subvol=/");
  const ext = { ...fileSystem(), type: "ext4", mkfs: { features: [] }, mountOptions: "rw,compress=zstd" };
  assert.deepEqual(mountsOf(ext), [{ mountPoint: "/", options: "" }]);
});

Deno.test("options that would not change what is written are not mounted with, nor odd ones", () => {
  const odd = "ro,compress=zstd,x,compress=lzo;,compress=../x,nodatacow,degraded,subvol=/@";
  assert.equal(
    mountsOf({ ...fileSystem(), mountOptions: odd })[0]?.options,
    "subvol=/@/.snapshots/1/snapshot,compress=zstd",
  );
});

Deno.test("subvolumes are made parents first, whatever their order in the layout", () => {
  const planned = plannedSubvolumes(
    fileSystem({ subvolumes: BTRFS.subvolumes.toReversed() }),
  ) as SubvolumePlan;
  assert.deepEqual(planned, {
    paths: ["@", "@home", "@/.snapshots", "@/.snapshots/1/snapshot", "@/.snapshots/2/snapshot"],
    readOnly: ["@/.snapshots/2/snapshot"],
    default: "@/.snapshots/1/snapshot",
  });
  assert.equal(
    describeSubvolumes(planned),
    "5 subvolumes (@, @home, @/.snapshots, @/.snapshots/1/snapshot …), 1 of them read-only, " +
      "default @/.snapshots/1/snapshot",
  );
});

Deno.test("mkfs.f2fs gets the template's features and sections", () => {
  const mkfs = {
    features: [],
    f2fs: { features: ["extra_attr", "compression"], segmentsPerSection: 2, sectionsPerZone: 1 },
  };
  assert.deepEqual(mkfsF2fsArgv({ uuid: "u", label: "l", mkfs }), [
    ...["mkfs.f2fs", "-q", "-f", "-U", "u", "-l", "l", "-O", "extra_attr,compression", "-s", "2", "-z", "1"],
  ]);
});
