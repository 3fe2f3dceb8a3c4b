import assert from "node:assert/strict";
import type { Action, PlannedArray, PlannedEncrypted, PlannedLogical } from "#plan/actions.ts";
import { lvcreateArgs } from "./lvcreate.ts";
import { luksFormatArgv, luksOpenArgv } from "./make_luks.ts";
import { mapperDevice, pvcreateArgs } from "./make_lvm.ts";
import { mdadmCreateArgv } from "./make_md.ts";
import { independent } from "./make_volumes.ts";

const MIB = 1 << 20;
const array: PlannedArray = {
  name: "boot",
  uuid: "3aaa0122:29827cfa:5331ad66:ca767371",
  superblockName: "server:boot",
  metadata: "1.2",
  level: "raid1",
  chunkBytes: 0,
  bitmap: "internal",
  members: [],
  spares: [],
  writeMostly: [],
  memberBytes: 100 * MIB,
  dataAtBytes: 2 * MIB,
  sizeBytes: 100 * MIB,
};
const created = (changes: Partial<PlannedArray>, members = ["/dev/vda1", "missing"]) =>
  mdadmCreateArgv({ ...array, ...changes }, { device: "/dev/md127", members, spares: [] }).slice(5).join(" ");

Deno.test("mdadm gets the template's UUID, host, name and place of the data", () => {
  assert.equal(
    created({}),
    "--uuid=3aaa0122:29827cfa:5331ad66:ca767371 --homehost=server --name=boot --metadata=1.2 --level=raid1 " +
      "--raid-devices=2 --data-offset=2048K --bitmap=internal --size=102400K /dev/vda1 missing",
  );
});

Deno.test("mdadm gets no host for an array that has none, and no name for a superblock that holds none", () => {
  assert.match(created({ superblockName: "boot" }), /--homehost=<none> --name=boot /);
  assert.doesNotMatch(created({ metadata: "0.90" }), /--homehost|--name/);
});

Deno.test("mdadm gets layouts in its own words, and neither size nor bitmap for levels without copies", () => {
  assert.match(
    created({ level: "raid10", layout: "far=2", chunkBytes: 512 << 10 }),
    /--chunk=512 --layout=f2 /,
  );
  assert.match(created({ level: "raid5", layout: "left-symmetric" }), /--layout=left-symmetric /);
  assert.doesNotMatch(created({ level: "raid0" }), /--size|--bitmap/);
  assert.match(created({}, ["/dev/vda1"]), /--raid-devices=1 --force/);
});

Deno.test("arrays are made at the same time unless one lies on another", () => {
  const md = (name: string, ...on: string[]): Action => ({
    do: "md",
    array: { ...array, name, members: ["missing", ...on.map((name) => ({ kind: "md", name } as const))] },
  });
  const erase: Action = { do: "erase", disk: 0 };
  const made = independent([erase, md("a"), md("b"), md("c", "b"), md("d"), erase, md("e")]);
  assert.deepEqual(
    made.map((apart) => apart.map((one) => one.do === "md" ? one.array.name : one.do)),
    [["erase"], ["a", "b"], ["c", "d"], ["erase"], ["e"]],
  );
});

const encrypted: PlannedEncrypted = {
  name: "cryptroot",
  on: { kind: "partition", disk: 0, number: 2 },
  uuid: "7b1e7a3f-0000-4000-8000-000000000001",
  cipher: "aes-xts-plain64",
  keyBits: 512,
  sectorBytes: 4096,
  flags: ["allow-discards", "no-read-workqueue"],
  dataAtBytes: 16 * MIB,
  sizeBytes: 100 * MIB,
};

Deno.test("no key is among cryptsetup's arguments, and the flags stay in the header", () => {
  const argv = luksFormatArgv(encrypted, "/dev/vda2").join(" ");
  assert.match(argv, /--key-file - --uuid 7b1e7a3f\S+ --cipher aes-xts-plain64 --key-size 512/);
  assert.match(argv, /--sector-size 4096 --offset 32768 .*\/dev\/vda2$/);
  assert.match(
    luksOpenArgv(encrypted, "/dev/vda2").join(" "),
    / --allow-discards --perf-no_read_workqueue --persistent \/dev\/vda2 cryptroot$/,
  );
});

Deno.test("a physical volume's data begins where the plan has it", () => {
  const of = (dataAtBytes: number) => pvcreateArgs({ uuid: "u", dataAtBytes }).slice(3).join(" ");
  assert.equal(of(MIB), "--dataalignment 1048576b --metadatasize 1044480b");
  assert.equal(of(192 << 10), "--dataalignment 65536b --metadatasize 192512b");
});

const EXTENT = 4 * MIB;
const lv = (logical: Partial<PlannedLogical>) =>
  lvcreateArgs({ name: "l", uuid: "", type: "linear", sizeBytes: 10 * EXTENT, extents: [], ...logical }, {
    group: { name: "vg", extentBytes: EXTENT },
    devices: ["/dev/vda1", "/dev/vdb1"],
  }).join(" ");
const LVS: readonly [string, Partial<PlannedLogical>, RegExp][] = [
  [
    "linear in two pieces",
    { extents: [{ on: 0, first: 2, count: 4 }, { on: 1, first: 0, count: 6 }] },
    /--extents 10 --wipesignatures n vg \/dev\/vda1:2-5 \/dev\/vdb1:0-5$/,
  ],
  ["striped", { type: "striped", stripes: 2, stripeBytes: 65_536 }, /--stripes 2 --stripesize 65536b vg/],
  ["raid1", { type: "raid1", copies: 3 }, /--mirrors 2 vg/],
  ["raid10", { type: "raid10", stripes: 2, copies: 2 }, /--stripes 2 --mirrors 1 vg/],
  [
    "raid5",
    { type: "raid5", stripes: 2, stripeBytes: 65_536 },
    /--type raid5 .*--stripes 2 --stripesize 65536b vg/,
  ],
  ["thin", { type: "thin", pool: "pool" }, /--virtualsize 41943040b --thinpool pool vg$/],
];
for (const [name, logical, expected] of LVS) {
  Deno.test(`lvcreate gets the arguments of a volume: ${name}`, () => assert.match(lv(logical), expected));
}

Deno.test("a pool gets a spare of its metadata only if the plan has room for it", () => {
  const pool = (count: number) =>
    lv({ type: "thin-pool", metadataBytes: EXTENT, zeroes: false, extents: [{ on: 0, first: 0, count }] });
  assert.match(pool(12), /--poolmetadatasize 4194304b --zero n --poolmetadataspare y/);
  assert.match(pool(11), /--poolmetadataspare n/);
});

Deno.test("device mapper's names double the hyphens of the group's and the volume's", () => {
  assert.equal(mapperDevice("my-vg", "a-b"), "/dev/mapper/my--vg-a--b");
});
