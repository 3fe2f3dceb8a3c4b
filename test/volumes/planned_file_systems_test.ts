/** File systems of every type, planned, made and mounted on two disks. */
import assert from "node:assert/strict";
import { F2fsProperties } from "#contract/format/file_system_properties.ts";
import { BTRFS } from "#plan/testing/btrfs.ts";
import { Template } from "#plan/testing/template.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { carriedOut, MIB, onEach } from "./planned.ts";

const usedBytes = 10 * MIB;
const PAIR = DISKS.slice(0, 2);

inSmallVm(
  "a btrfs mirror over two disks with subvolumes, and an ESP on an array of metadata 1.0",
  async () => {
    const t = new Template("uefi");
    const first = t.disk({ gib: 0.9 });
    t.partition(first, { mib: 64, kind: "raid", type: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" });
    t.partition(first);
    const disks = [first, t.copyOf(first)];
    t.fileSystem(t.md("esp", onEach(disks, 1), { metadata: "1.0", bitmap: "none" }), "/boot/efi", {
      type: "vfat",
      usedBytes: MIB,
    });
    const [volume, ...more] = onEach(disks, 2);
    assert(volume);
    t.fileSystem(volume, "/", {
      more,
      type: "btrfs",
      usedBytes,
      mountOptions: "rw,relatime,compress=zstd:1,subvol=/@",
      mkfs: {
        features: [],
        btrfs: {
          ...BTRFS,
          dataProfile: "raid1",
          metadataProfile: "raid1",
          mountedSubvolume: "@",
          subvolumes: [
            { path: "@", readOnly: false },
            {
              path: "@home",
              readOnly: false,
              mountPoint: "/home",
              mountOptions: "rw,relatime,compress=zstd:1,subvol=/@home",
            },
            { path: "@/before", readOnly: true },
          ],
        },
      },
    });
    const { layout } = await carriedOut(t, { on: PAIR });
    const root = layout.fileSystems.find(({ mountPoint }) => mountPoint === "/");
    assert.deepEqual([root?.mkfs.btrfs?.dataProfile, root?.mkfs.btrfs?.metadataProfile], ["raid1", "raid1"]);
    // firmware knows no arrays: each member is a vfat by itself
    for (const disk of PAIR) {
      const { stdout } = await run([
        "blkid",
        "-p",
        "-o",
        "value",
        "-s",
        "UUID",
        "--usages",
        "filesystem",
        `/dev/${disk}1`,
      ]);
      assert.equal(stdout.trim(), "D914-3B5F");
    }
  },
);

inSmallVm("XFS, f2fs, ext4 and swap on larger disks", async () => {
  const t = new Template("bios");
  const disk = t.disk({ gib: 0.8 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(disk, { mib: 64 }), "/boot", { usedBytes });
  t.fileSystem(t.partition(disk, { mib: 300 }), "/var", { type: "xfs", usedBytes, mkfs: { features: [] } });
  t.fileSystem(t.partition(disk, { mib: 200 }), "/srv", {
    type: "f2fs",
    usedBytes,
    mkfs: {
      features: [],
      f2fs: F2fsProperties.parse({
        features: ["extra_attr", "inode_checksum"],
        segmentsPerSection: 1,
        sectionsPerZone: 1,
      }),
    },
  });
  t.swap(t.partition(disk, { mib: 40, kind: "swap" }));
  t.fileSystem(t.partition(disk), "/", { usedBytes });
  const { layout } = await carriedOut(t, { on: ["vdb"] });
  const srv = layout.fileSystems.find(({ mountPoint }) => mountPoint === "/srv");
  assert.deepEqual(srv?.mkfs.f2fs?.features, ["extra_attr", "inode_checksum"]);
});
