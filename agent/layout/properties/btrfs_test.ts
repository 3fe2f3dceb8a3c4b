import assert from "node:assert/strict";
import fc from "fast-check";
import type { BytePath } from "#contract/format/byte_path.ts";
import { BtrfsProperties, F2fsProperties } from "#contract/format/file_system_properties.ts";
import type { Subvolume } from "../../sys/btrfs.ts";
import { BTRFS_SUPERBLOCK_BYTES, parseBtrfsSuperblock, profilesOf } from "./btrfs.ts";
import { describeListed } from "./btrfs_subvolumes.ts";
import { F2FS_SUPERBLOCK_BYTES, parseF2fsSuperblock } from "./f2fs.ts";

/** As btrfs-progs 6.2 and 6.6 print them, without the descriptions. */
const OLD = {
  features:
    "mixed-bg   - mixed\nextref   - hard links\nskinny-metadata - x\nno-holes   - holes\nraid56 - x\n",
  runtime: "quota     - quotas\nfree-space-tree     - free space\n",
};
const NEW = {
  features: `${OLD.features}free-space-tree  - x\nblock-group-tree - x\n`,
  runtime: "quota - x\nfree-space-tree  - x\nblock-group-tree - x\n",
};

function superblock(change: (view: DataView) => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(BTRFS_SUPERBLOCK_BYTES), view = new DataView(bytes.buffer, 0x10000);
  view.setBigUint64(0x40, 0x4d5f53665248425fn, true);
  view.setBigUint64(0x88, 1n, true);
  view.setUint32(0x90, 4096, true);
  view.setUint32(0x94, 16_384, true);
  view.setBigUint64(0xb4, 0x3n, true);
  view.setBigUint64(0xbc, 0x371n, true);
  view.setBigUint64(0xc9, 1n, true);
  change(view);
  return bytes;
}

Deno.test("features of a btrfs are those that the machine's mkfs.btrfs can choose, by the option that it takes", () => {
  const old = parseBtrfsSuperblock(superblock(), OLD);
  assert.deepEqual(old.properties, {
    sectorBytes: 4096,
    nodeBytes: 16_384,
    checksum: "crc32c",
    features: ["extref", "skinny-metadata", "no-holes", "free-space-tree"],
    disabled: ["mixed-bg"],
    runtime: ["free-space-tree"],
  });
  const now = parseBtrfsSuperblock(superblock(), NEW).properties;
  assert.deepEqual([now.disabled, now.runtime], [["mixed-bg", "block-group-tree"], []]);
  assert.deepEqual(parseBtrfsSuperblock(superblock(), { features: "", runtime: "" }).properties.features, []);
});

const refused: { name: string; change: (view: DataView) => void; says: RegExp | undefined }[] = [
  { name: "an ordinary one", change: () => {}, says: undefined },
  { name: "RAID 5", change: (v) => v.setBigUint64(0xbc, 0x3f1n, true), says: /RAID 5 or 6/ },
  { name: "a zoned one", change: (v) => v.setBigUint64(0xbc, 0x1371n, true), says: /zoned/ },
  { name: "a new tree", change: (v) => v.setBigUint64(0xbc, 0x2371n, true), says: /extent-tree-v2/ },
  { name: "a stripe tree", change: (v) => v.setBigUint64(0xbc, 0x4371n, true), says: /raid-stripe-tree/ },
  { name: "simple quotas", change: (v) => v.setBigUint64(0xbc, 0x10371n, true), says: undefined },
  { name: "a feature of the future", change: (v) => v.setBigUint64(0xbc, 1n << 40n, true), says: /not know/ },
  {
    name: "a feature of the future that only writing needs",
    change: (v) => v.setBigUint64(0xb4, 0x13n, true),
    says: /not know/,
  },
  { name: "a checksum of the future", change: (v) => v.setUint16(0xc4, 4, true), says: /not know/ },
  { name: "a seed", change: (v) => v.setBigUint64(0x38, 1n << 32n, true), says: /seed/ },
];
for (const { name, change, says } of refused) {
  Deno.test(`a btrfs is ${says ? "refused" : "rebuilt"}: ${name}`, () => {
    const { obstacle } = parseBtrfsSuperblock(superblock(change), NEW);
    if (says) assert.match(obstacle ?? "", says);
    else assert.equal(obstacle, undefined);
  });
}

Deno.test("of several profiles of one kind the one that holds the most counts", () => {
  const space = (flags: number, usedBytes: number) => ({ flags: BigInt(flags), usedBytes, totalBytes: 1e9 });
  const reserve = { flags: 1n << 49n | 4n, usedBytes: 9, totalBytes: 9 };
  const { notes, ...profiles } = profilesOf([
    space(1, 5),
    space(1 | 16, 100),
    space(4 | 32, 3),
    space(2, 1),
    reserve,
  ]);
  assert.deepEqual(profiles, { dataProfile: "raid1", metadataProfile: "dup" });
  assert.deepEqual(notes, ["its data has the profiles raid1 and single: a clone's has raid1"]);
  const mixed = profilesOf([space(5, 1)]);
  assert.deepEqual(mixed, { dataProfile: "single", metadataProfile: "single", notes: [] });
});

function listed(
  rows: [id: number, parent: number, path: string, more?: Partial<Subvolume>][],
  mounts: [target: string, subvolume: string][] = [["/", "/"]],
  defaultId = 5,
) {
  return describeListed({
    defaultId,
    subvolumes: rows.map(([id, parent, path, more]) => ({
      id,
      parent,
      path: path as BytePath,
      readOnly: false,
      uuid: String(id),
      snapshotOf: undefined,
      ...more,
    })),
    mounts: mounts.map(([target, subvolume]) => ({
      target: target as BytePath,
      subvolume: subvolume as BytePath,
      options: "rw",
    })),
  });
}

Deno.test("subvolumes get their paths from the top, however they nest, and lost ones are left out", () => {
  const { properties, notes } = listed(
    [
      [256, 5, "b"],
      [257, 258, "deep/c"],
      [258, 256, "a", { snapshotOf: "256", readOnly: true }],
      [259, 999, "lost"],
      [260, 261, "loop"],
      [261, 260, "loop"],
    ],
    [["/", "/b/a"], ["/mnt", "/"], ["/srv", "/b"]],
    258,
  );
  assert.deepEqual(properties, {
    subvolumes: [
      { path: "b", readOnly: false, mountPoint: "/srv", mountOptions: "rw" },
      { path: "b/a", readOnly: true, snapshotOf: "b" },
      { path: "b/a/deep/c", readOnly: false },
    ],
    defaultSubvolume: "b/a",
    mountedSubvolume: "b/a",
    top: { mountPoint: "/mnt", mountOptions: "rw" },
  });
  assert.equal(notes.length, 1);
});

Deno.test("subvolumes that no mount option or manifest can name are refused", () => {
  assert.match(listed([[256, 5, "\xff"]]).obstacle ?? "", /not UTF-8/);
  assert.match(listed([[256, 5, "a,b"]], [["/", "/a,b"]]).obstacle ?? "", /comma/);
  assert.equal(listed([[256, 5, "a,b"]]).obstacle, undefined);
  const many = Array.from({ length: 4097 }, (_, i): [number, number, string] => [256 + i, 5, `s${i}`]);
  assert.match(listed(many).obstacle ?? "", /4097 subvolumes/);
});

Deno.test("whatever a superblock holds, reading it gives properties that the layout accepts, or a RangeError", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(fc.property(bytes(4096), (random) => {
    const btrfs = superblock(() => {});
    btrfs.set(random, 0x10000);
    new DataView(btrfs.buffer, 0x10000).setBigUint64(0x40, 0x4d5f53665248425fn, true);
    const { properties } = parseBtrfsSuperblock(btrfs, NEW);
    const profiles = { dataProfile: "single", metadataProfile: "dup", subvolumes: [] } as const;
    BtrfsProperties.parse({ ...properties, ...profiles });
  }));
  fc.assert(fc.property(bytes(3072), fc.boolean(), (random, isReal) => {
    const f2fs = new Uint8Array(F2FS_SUPERBLOCK_BYTES);
    f2fs.set(random, 1024);
    if (isReal) new DataView(f2fs.buffer).setUint32(1024, 0xf2f52010, true);
    try {
      F2fsProperties.parse(parseF2fsSuperblock(f2fs, { usage: "" }).properties);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});
