/** MD arrays of every level, planned and made on disks of other sizes and numbers than the template's. */
import assert from "node:assert/strict";
import type { Volume } from "#contract/format/layout.ts";
import { Template } from "#plan/testing/template.ts";
import { inSmallVm } from "./in_small_vm.ts";
import { carriedOut, KIB, MIB, onEach } from "./planned.ts";

const FOUR = ["vdb", "vdc", "vdd", "vde"];
const usedBytes = MIB, chunkBytes = 64 * KIB;

/** Equal disks with a root and further partitions of these sizes. The machine's disks have 1 GiB each. */
function onEqual(
  sizes: readonly number[],
  { disks: count, gib }: { disks: number; gib: number },
): { t: Template; at: (number: number) => Volume[] } {
  const t = new Template("bios");
  const first = t.disk({ gib });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first, { mib: 64 }), "/", { usedBytes });
  for (const mib of sizes) t.partition(first, { mib, kind: "raid" });
  const disks = [first, ...Array.from({ length: count - 1 }, () => t.copyOf(first))];
  return { t, at: (number) => onEach(disks, number) };
}

const LARGER = [
  ["raid1", "1.0", undefined],
  ["raid5", "1.2", "left-symmetric"],
  ["raid10", "1.2", "near=2"],
  ["raid10", "1.2", "far=2"],
] as const;
const SMALLER = [
  ["raid1", "1.1", undefined],
  ["raid6", "1.2", "left-symmetric"],
  ["raid10", "1.0", "offset=2"],
  ["raid0", "1.2", undefined],
  ["raid4", "1.2", undefined],
] as const;
for (
  const { gib, words, levels } of [
    { gib: 0.9, words: "larger", levels: LARGER },
    { gib: 1.3, words: "smaller", levels: SMALLER },
  ]
) {
  inSmallVm(`arrays on ${words} disks than the template's: ${levels.map(([level]) => level)}`, async () => {
    const { t, at } = onEqual([64, 70, 80, 80, 80], { disks: 4, gib });
    for (const [i, [level, metadata, layout]] of levels.entries()) {
      const array = t.md(`a${i}`, at(i + 3), {
        level,
        metadata,
        chunkBytes: level === "raid1" ? 0 : chunkBytes,
        ...layout && { layout },
      });
      t.fileSystem(array, `/srv/a${i}`, { usedBytes });
    }
    await carriedOut(t, { on: FOUR });
  });
}

inSmallVm("arrays over three disks are made with two, and know that one is missing", async () => {
  const { t, at } = onEqual([100, 100, 100], { disks: 3, gib: 1 });
  t.fileSystem(t.md("one", at(3)), "/srv/one", { usedBytes });
  t.fileSystem(t.md("five", at(4), { level: "raid5", layout: "left-symmetric", chunkBytes }), "/srv/five", {
    usedBytes,
  });
  const ten = t.md("ten", at(5), { level: "raid10", layout: "near=2", chunkBytes });
  t.fileSystem(ten, "/srv/ten", { usedBytes });
  const { layout } = await carriedOut(t, { on: FOUR.slice(0, 2), mirror: 2 });
  assert.deepEqual(layout.arrays?.map(({ members, slots }) => [members.length, slots]), [[2, 3], [2, 3], [
    2,
    3,
  ]]);
});
