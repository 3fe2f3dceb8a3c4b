import assert from "node:assert/strict";
import { MdArray, type Volume } from "#contract/format/volumes.ts";
import type { ArrayFacts, MemberFacts } from "./array_facts.ts";
import { describeArray } from "./describe_array.ts";
import { parseMdExamine } from "./examine.ts";

const member = (
  kernelName: string,
  slot: number | undefined,
  states = ["in_sync"],
  sizeBytes = 1 << 30,
): MemberFacts => ({
  kernelName,
  slot,
  states,
  sizeBytes,
});
const FILES = {
  level: "raid1",
  metadata_version: "1.2",
  raid_disks: "2",
  chunk_size: "0",
  layout: "0",
  component_size: "1046528",
  sync_action: "idle",
  degraded: "0",
  reshape_position: "none",
  consistency_policy: "bitmap",
  "bitmap/location": "+8",
  "bitmap/metadata": "internal",
};
const DETAIL = { MD_UUID: "3aaa0122:29827cfa:5331ad66:ca767371", MD_NAME: "lab:boot", MD_DEVNAME: "boot" };

function facts(files: Record<string, string>, members?: readonly MemberFacts[]): ArrayFacts {
  return {
    files: new Map(Object.entries({ ...FILES, ...files })),
    detail: new Map(Object.entries(DETAIL)),
    members: members ?? [member("sdb2", 1, ["in_sync", "write_mostly"]), member("sda2", 0)],
  };
}
const volumeOf = (name: string): Volume => ({ kind: "partition", disk: name.charCodeAt(2) - 97, number: 2 });
function described(files: Record<string, string>, members?: readonly MemberFacts[]) {
  const { array, notes } = describeArray(facts(files, members), {
    name: "boot",
    sizeBytes: 1 << 30,
    volumeOf,
  });
  return { array: MdArray.parse(array), notes };
}

Deno.test("an array is described with its members in the order of their slots", () => {
  assert.deepEqual(described({}), {
    notes: [],
    array: {
      name: "boot",
      uuid: DETAIL.MD_UUID,
      superblockName: "lab:boot",
      metadata: "1.2",
      level: "raid1",
      slots: 2,
      members: [volumeOf("sda2"), volumeOf("sdb2")],
      spares: [],
      memberBytes: 1046528 * 1024,
      chunkBytes: 0,
      bitmap: "internal",
      writeMostly: [volumeOf("sdb2")],
      sizeBytes: 1 << 30,
    },
  });
});

const layouts: [level: string, number: string, layout: string | undefined][] = [
  ["raid5", "2", "left-symmetric"],
  ["raid6", "2", "left-symmetric"],
  ["raid10", "258", "near=2"],
  ["raid10", "513", "far=2"],
  ["raid10", "66049", "offset=2"],
  ["raid5", "16", undefined],
  ["raid10", "514", undefined],
];
for (const [level, layout, word] of layouts) {
  Deno.test(`layout ${layout} of ${level} is ${word ?? "an obstacle"}`, () => {
    const { array } = described({ level, layout, chunk_size: "524288" });
    assert.equal(array.layout, word);
    assert.equal(array.obstacle === undefined, word !== undefined);
  });
}

const unbuilt: [what: string, files: Record<string, string>, says: RegExp, members?: MemberFacts[]][] = [
  ["a RAID of the firmware", { metadata_version: "external:/md127/0" }, /firmware \(IMSM, DDF\)/],
  ["an old superblock", { metadata_version: "0.90" }, /--update=metadata/],
  ["linear", { level: "linear" }, /level linear are not rebuilt/],
  ["a reshape", { reshape_position: "12345" }, /being reshaped/],
  ["a journal", { consistency_policy: "journal" }, /journal device/],
  ["a partial parity log", { consistency_policy: "ppl" }, /consistency-policy=resync/],
  ["a clustered bitmap", { "bitmap/metadata": "clustered" }, /bitmap of a cluster/],
  ["a bitmap in a file", { "bitmap/location": "file" }, /its bitmap is a file/],
  ["members of several sizes in a raid0", { level: "raid0", component_size: "0" }, /different sizes/, [
    ...[member("sda2", 0), member("sdb2", 1, ["in_sync"], 1 << 20)],
  ]],
];
for (const [what, files, says, members] of unbuilt) {
  Deno.test(`an array with ${what} has an obstacle with its remedy`, () => {
    assert.match(described(files, members).array.obstacle ?? "", says);
  });
}

Deno.test("spares are apart, faulty devices are left out, and what is missing is noted", () => {
  const { array, notes } = described({ degraded: "1", sync_action: "recover" }, [
    member("sda2", 0),
    member("sdb2", 1, ["spare"]),
    member("sdc2", undefined, ["spare"]),
    member("sdd2", undefined, ["faulty"]),
  ]);
  assert.deepEqual(array.members, [volumeOf("sda2"), volumeOf("sdb2")]);
  assert.deepEqual(array.spares, [volumeOf("sdc2")]);
  assert.match(notes.join("; "), /1 of its 2 devices are missing.*faulty: sdd2.*busy \(recover\)/);
});

Deno.test("what mdadm --examine prints tells a member's array and place", () => {
  const text = `/dev/vdb2:
          Magic : a92b4efc
        Version : 1.2
    Feature Map : 0x1
     Array UUID : 3aaa0122:29827cfa:5331ad66:ca767371
           Name : lab:sys
     Raid Level : raid1
   Raid Devices : 2
    Data Offset : 2048 sectors
   Device Role : Active device 1
`;
  assert.deepEqual(parseMdExamine(text), { uuid: DETAIL.MD_UUID, level: "raid1", slot: 1 });
  assert.equal(parseMdExamine(text.replace("Active device 1", "spare"))?.slot, undefined);
  assert.equal(parseMdExamine("mdadm: No md superblock detected on /dev/vdb2.\n"), undefined);
});
