import assert from "node:assert/strict";
import type { PlannedGroup, PlannedLogical } from "#plan/actions.ts";
import { groupMetadata } from "./group_metadata.ts";

const MIB = 1 << 20, EXTENT = 4 * MIB;
const id = (end: string) => `aaaaaa-aaaa-aaaa-aaaa-aaaa-aaaa-${end.padStart(6, "0")}`;
const linear: PlannedLogical = {
  name: "root",
  uuid: id("lv1"),
  type: "linear",
  sizeBytes: 10 * EXTENT,
  tags: ["a"],
  extents: [{ on: 0, first: 2, count: 4 }, { on: 1, first: 0, count: 6 }],
};
const striped: PlannedLogical = {
  name: "srv",
  uuid: id("lv2"),
  type: "striped",
  stripes: 2,
  stripeBytes: 65_536,
  sizeBytes: 8 * EXTENT,
  extents: [{ on: 1, first: 6, count: 4 }, { on: 0, first: 6, count: 4 }],
};
const group: PlannedGroup = {
  name: "vg-0",
  uuid: id("vg"),
  extentBytes: EXTENT,
  tags: ["rack1", "b"],
  physical: ["pv1", "pv2"].map((uuid, number) => ({
    volume: { kind: "partition", disk: 0, number },
    uuid: id(uuid),
    dataAtBytes: MIB,
    extents: 20,
  })),
  logical: [linear, striped],
};
const made = {
  devices: ["/dev/vda2", "/dev/md127"].map((path) => ({ path, sizeBytes: MIB + 21 * EXTENT + 512 })),
  hostName: "(none)",
  seconds: 1_796_000_000,
};
const text = (changes: Partial<PlannedGroup> = {}) => groupMetadata({ ...group, ...changes }, made);

Deno.test("a group's metadata has every extent where the plan has it, and all that its disks have room for", () => {
  const written = text()?.split("\n").join(" ") ?? "";
  assert.match(written, /version = 1 vg-0 \{ id = "a.*0vg" .*tags = \["rack1", "b"\] extent_size = 8192 /);
  assert.match(
    written,
    /pv1 \{ id = "\S+pv2" device = "\/dev\/md127" .*dev_size = 174081 pe_start = 2048 pe_count = 21 \}/,
  );
  assert.match(written, /root \{ id = "\S+lv1" .*tags = \["a"\] .*segment_count = 2 segment1 \{/);
  assert.match(
    written,
    /start_extent = 0 extent_count = 4 \S+ = "striped" stripe_count = 1 stripes = \["pv0", 2\]/,
  );
  assert.match(
    written,
    /start_extent = 4 extent_count = 6 \S+ = "striped" stripe_count = 1 stripes = \["pv1", 0\]/,
  );
  assert.match(
    written,
    /extent_count = 8 \S+ = "striped" stripe_count = 2 stripe_size = 128 stripes = \["pv1", 6, "pv0", 6\]/,
  );
  assert.equal(written.split("{").length, written.split("}").length);
});

const LEFT_TO_LVM: readonly [string, Partial<PlannedGroup>][] = [
  ["a volume with hidden parts", { logical: [{ ...linear, type: "raid1" }] }],
  ["a volume without planned extents", { logical: [{ ...linear, extents: [] }] }],
  ["a volume whose extents are not its size", { logical: [{ ...linear, sizeBytes: 9 * EXTENT }] }],
  ["extents that a disk does not have", {
    logical: [{ ...linear, extents: [{ on: 0, first: 12, count: 10 }] }],
  }],
  ["stripes of the default size", { logical: [{ ...striped, stripeBytes: undefined }] }],
  ["stripes of different lengths", {
    logical: [{ ...striped, extents: [{ on: 0, first: 0, count: 3 }, { on: 1, first: 0, count: 5 }] }],
  }],
  ["more extents than its disks have", { physical: group.physical.map((one) => ({ ...one, extents: 22 })) }],
  ["data in the place of the metadata", {
    physical: group.physical.map((one) => ({ ...one, dataAtBytes: 4096 })),
  }],
  ["a tag that LVM does not know", { tags: ['a"b'] }],
  ["an id of another form", { uuid: "mcAuVI-KGjV" }],
];
for (const [what, changes] of LEFT_TO_LVM) {
  Deno.test(`LVM itself makes a group with ${what}`, () => assert.equal(text(changes), undefined));
}
