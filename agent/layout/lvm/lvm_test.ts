import assert from "node:assert/strict";
import { VolumeGroup } from "#contract/format/volumes.ts";
import { lvmConfig } from "./config.ts";
import { describeGroup } from "./describe_group.ts";
import { type LvmGroup, parseLvmReport } from "./report.ts";

Deno.test("LVM is given plain paths only", () => {
  const config = lvmConfig(["/dev/sda2", "/dev/mapper/luks-0.1+x"], { readOnly: "vg-0", systemId: "host.a" });
  assert.match(
    config,
    /filter=\["a\|\^\/dev\/sda2\$\|","a\|\^\/dev\/mapper\/luks-0\\\\\.1\\\\\+x\$\|","r\|\.\*\|"\]/,
  );
  assert.match(config, /read_only_volume_list=\["vg-0"\]/);
  assert.match(config, /extra_system_ids=\["host\.a"\]/);
  for (const path of ['/dev/a"', "/dev/a|b", "/dev/a b", "/dev/(x)"]) {
    assert.throws(() => lvmConfig([path]), RangeError);
  }
});

const PHYSICAL = ["/dev/sda3", "/dev/sdb3", "/dev/sdc3"];
type Row = Record<string, string>;

/** A report as lvm2 2.03 prints it; every field has a value there. */
function report({ vg = {}, pv = [], lv, seg }: { vg?: Row; pv?: Row[]; lv: Row[]; seg: Row[] }): LvmGroup {
  const group = {
    vg_name: "vg0",
    vg_uuid: "mcAuVI-KGjV",
    vg_extent_size: "4194304",
    vg_missing_pv_count: "0",
    ...vg,
  };
  const physical = PHYSICAL.map((pv_name, i) => ({
    pv_name,
    pv_uuid: `uuid-${i}`,
    pv_size: "1073741824",
    pe_start: "1048576",
    pv_missing: "",
    ...pv[i],
  }));
  const logical = lv.map((row) => ({
    lv_uuid: `uuid-${row.lv_name}`,
    lv_role: "public",
    lv_size: "4194304",
    ...row,
  }));
  const json = { report: [{ vg: [group], pv: physical, lv: logical, seg }] };
  const [found] = parseLvmReport(JSON.stringify(json));
  assert(found);
  return found;
}
function described(parts: Parameters<typeof report>[0], mounted: readonly string[] = []) {
  const volumeOf = (path: string) => ({
    kind: "partition" as const,
    disk: PHYSICAL.indexOf(path),
    number: 3,
  });
  const { group, notes } = describeGroup(report(parts), {
    volumeOf,
    isMounted: (path) => mounted.includes(path),
  });
  return { group: VolumeGroup.parse(group), notes };
}

const raid = (name: string) => [
  { lv_name: name, lv_layout: "raid,raid1" },
  { lv_name: `[${name}_rimage_0]`, lv_layout: "linear", lv_role: "private,raid,image" },
  { lv_name: `[${name}_rimage_1]`, lv_layout: "linear", lv_role: "private,raid,image" },
];
const raidSegments = (name: string, segtype = "linear") => [
  {
    lv_uuid: `uuid-${name}`,
    segtype: "raid1",
    stripes: "2",
    data_copies: "2",
    devices: `${name}_rimage_0(0),${name}_rimage_1(0)`,
  },
  { lv_uuid: `uuid-[${name}_rimage_0]`, segtype, stripes: "1", devices: "/dev/sda3(1)" },
  { lv_uuid: `uuid-[${name}_rimage_1]`, segtype, stripes: "1", devices: "/dev/sdc3(1)" },
];

Deno.test("a raid volume has the physical volumes of its hidden parts, which are not listed", () => {
  const { group } = described({ lv: raid("root"), seg: raidSegments("root") });
  assert.deepEqual(group.logical, [
    { name: "root", uuid: "uuid-root", type: "raid1", sizeBytes: 4 << 20, copies: 2, on: [0, 2] },
  ]);
  assert.deepEqual(group.physical[1], {
    volume: { kind: "partition", disk: 1, number: 3 },
    uuid: "uuid-1",
    sizeBytes: 1 << 30,
    dataAtBytes: 1 << 20,
  });
});

Deno.test("a raid10 volume has the stripes of one copy; a pool is listed though it is private", () => {
  const { group } = described({
    lv: [
      { lv_name: "ten", lv_layout: "raid,raid10" },
      { lv_name: "pool", lv_layout: "thin,pool", lv_role: "private", lv_metadata_size: "4194304" },
      { lv_name: "[pool_tdata]", lv_layout: "linear", lv_role: "private,thin,pool,data" },
    ],
    seg: [
      {
        lv_uuid: "uuid-ten",
        segtype: "raid10",
        stripes: "4",
        data_stripes: "4",
        data_copies: "2",
        stripe_size: "65536",
      },
      {
        lv_uuid: "uuid-pool",
        segtype: "thin-pool",
        stripes: "1",
        chunk_size: "131072",
        zero: "zero",
        devices: "pool_tdata(0)",
      },
      { lv_uuid: "uuid-[pool_tdata]", segtype: "linear", stripes: "1", devices: "/dev/sdb3(27)" },
    ],
  });
  assert.deepEqual(group.logical.map(({ uuid: _, sizeBytes: __, ...shape }) => shape), [
    { name: "ten", type: "raid10", copies: 2, stripes: 2, stripeBytes: 65_536 },
    { name: "pool", type: "thin-pool", metadataBytes: 4 << 20, chunkBytes: 131_072, zeroes: true, on: [1] },
  ]);
});

Deno.test("a volume that is striped in parts only becomes a linear one", () => {
  const { group } = described({
    lv: [{ lv_name: "srv", lv_layout: "linear" }],
    seg: [
      {
        lv_uuid: "uuid-srv",
        segtype: "striped",
        stripes: "2",
        stripe_size: "65536",
        devices: "/dev/sda3(0),/dev/sdb3(0)",
      },
      { lv_uuid: "uuid-srv", segtype: "linear", stripes: "1", stripe_size: "0", devices: "/dev/sdc3(0)" },
    ],
  });
  assert.deepEqual(group.logical.map(({ type, on, stripes }) => [type, on, stripes]), [[
    "linear",
    [0, 1, 2],
    undefined,
  ]]);
});

const plain = (
  layout: string,
  role = "public",
) => [{ lv_name: "x", lv_layout: layout, lv_role: role, origin: "root", lv_dm_path: "/dev/mapper/vg0-x" }];
const segment = (segtype: string) => [{ lv_uuid: "uuid-x", segtype, stripes: "1", devices: "/dev/sda3(0)" }];
const unbuilt: [what: string, parts: Parameters<typeof report>[0], says: RegExp][] = [
  ["a cached volume", { lv: plain("cache"), seg: segment("cache") }, /--uncache/],
  ["a volume with a write cache", { lv: plain("writecache"), seg: segment("writecache") }, /write cache/],
  ["VDO", { lv: plain("vdo"), seg: segment("vdo") }, /VDO volumes are not rebuilt/],
  ["raid0", { lv: plain("raid,raid0"), seg: segment("raid0") }, /--type striped/],
  ["integrity", { lv: raid("x"), seg: raidSegments("x", "integrity") }, /--raidintegrity n/],
  ["an unknown kind", { lv: plain("new"), seg: segment("new") }, /volumes of the kind new are not rebuilt/],
];
for (const [what, parts, says] of unbuilt) {
  Deno.test(`a logical volume with ${what} has an obstacle with its remedy`, () => {
    const [volume] = described(parts).group.logical;
    assert.equal(volume?.type, "other");
    assert.match(volume?.obstacle ?? "", says);
  });
}

Deno.test("an old-style snapshot is a note, or an obstacle while it is mounted; a thin one is a volume like others", () => {
  const parts = { lv: plain("linear", "public,snapshot,thicksnapshot"), seg: segment("linear") };
  assert.deepEqual(described(parts).group.logical, []);
  assert.match(described(parts).notes.join(), /the snapshot vg0\/x of root is not captured/);
  assert.match(
    described(parts, ["/dev/mapper/vg0-x"]).group.logical[0]?.obstacle ?? "",
    /unmount it before the capture/,
  );
  const thin = { lv: plain("thin,sparse", "public,snapshot,thinsnapshot"), seg: segment("thin") };
  assert.deepEqual(described(thin).group.logical.map(({ type }) => type), ["thin"]);
});

const groups: [what: string, parts: Pick<Parameters<typeof report>[0], "vg" | "pv">, says: RegExp][] = [
  [
    "a missing disk",
    { pv: [{ pv_missing: "missing" }], vg: { vg_missing_pv_count: "1" } },
    /--removemissing/,
  ],
  ["an export", { vg: { vg_exported: "exported" } }, /vgimport/],
  ["a cluster", { vg: { vg_clustered: "clustered" } }, /--clustered n/],
  ["locks of sanlock", { vg: { vg_lock_type: "sanlock" } }, /--lock-type none/],
];
for (const [what, parts, says] of groups) {
  Deno.test(`a volume group with ${what} has an obstacle with its remedy`, () => {
    assert.match(described({ ...parts, lv: [], seg: [] }).group.obstacle ?? "", says);
  });
}
