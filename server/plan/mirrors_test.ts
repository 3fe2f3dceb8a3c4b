import assert from "node:assert/strict";
import { withMirror } from "./mirrors.ts";
import { GIB, Template } from "./testing/template.ts";

/** A mirror of two disks; swap on these. */
function twoDisks(swapOn: readonly number[]): Template {
  const t = new Template("bios");
  const disks = [0, 1].map(() => t.disk({ gib: 20 }));
  const members = disks.map((disk) => {
    t.partition(disk, { mib: 1, kind: "bios" });
    const member = t.partition(disk, { mib: 16 * 1024, kind: "raid" });
    const swap = t.partition(disk, { mib: 1024, kind: "swap" });
    if (swapOn.includes(disk)) t.swap(swap);
    return member;
  });
  t.fileSystem(t.md("root", members), "/", { usedBytes: 3 * GIB });
  return t;
}

const notesOf = (swapOn: readonly number[]) => {
  const made = withMirror(twoDisks(swapOn).layout, { count: 1, disks: [0, 1], system: [0, 1], seed: "x" });
  assert.ok("layout" in made);
  return { swap: made.layout.swap.length, notes: made.notes };
};

Deno.test("swap on a disk that a smaller mirror does without is left out, and the plan says so", () => {
  const lost =
    "leave out the template's swap on disk 1 partition 3 (1.1 GB): it has no copy on another disk, and " +
    "the clone starts without it";
  const fewer = "the mirror gets 1 disk; the template's has 2";
  assert.deepEqual(notesOf([0, 1]), { swap: 1, notes: [fewer, lost] });
  assert.deepEqual(notesOf([1]), { swap: 0, notes: [fewer, lost, "the clone has no swap at all"] });
  assert.deepEqual(notesOf([0]), { swap: 1, notes: [fewer] });
});
