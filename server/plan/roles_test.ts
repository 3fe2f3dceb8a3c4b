import assert from "node:assert/strict";
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { rolesOf } from "./roles.ts";
import { BTRFS } from "./testing/btrfs.ts";
import { biosDisk, ext4 } from "./testing/templates.ts";

/** A root on disk 0, and a btrfs on disk 1 that is mounted in this way. */
const layout = (mountPoint: string, btrfs: Partial<BtrfsProperties> = {}): DiskLayout => ({
  disks: [biosDisk, { ...biosDisk, name: "vdb" }],
  fileSystems: [
    ext4(2, "/"),
    ext4(2, mountPoint, {
      volume: { kind: "partition", disk: 1, number: 2 },
      type: "btrfs",
      mkfs: { features: [], btrfs: { ...BTRFS, ...btrfs } },
    }),
  ],
  swap: [],
});

Deno.test("a disk is the system's by every mount of its btrfs: its own, its top's, a subvolume's", () => {
  assert.deepEqual(rolesOf(layout("/srv")), ["system", "data"]);
  assert.deepEqual(rolesOf(layout("/var")), ["system", "system"]);
  const mountedSubvolume = "@srv";
  assert.deepEqual(
    rolesOf(layout("/srv", { mountedSubvolume, top: { mountPoint: "/var", mountOptions: "rw" } })),
    ["system", "system"],
  );
  assert.deepEqual(
    rolesOf(layout("/srv", { mountedSubvolume, top: { mountPoint: "/mnt", mountOptions: "rw" } })),
    ["system", "data"],
  );
  const subvolumes = [{ path: "@lib", mountPoint: "/var/lib", readOnly: false }];
  assert.deepEqual(rolesOf(layout("/srv", { mountedSubvolume, subvolumes })), ["system", "system"]);
});
