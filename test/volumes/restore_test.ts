import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { findResumption } from "../../agent/install/disk/resume.ts";
import { Journal, recordOf } from "../../agent/install/records/journal.ts";
import { assessDisk, mendDisk } from "../../agent/install/restore/restore_disk.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import type { Plan } from "#plan/actions.ts";
import { assertReleased, inSmallVm } from "./in_small_vm.ts";
import { encrypted, format, group, luks, lv, md, partition, planOf, raid1, table } from "./plans.ts";

const ROOT = "11111111-1111-4111-8111-111111111111", DATA = "33333333-3333-4333-8333-333333333333";
const keys = { recoveryKey: "a recovery key" };
const record = recordOf({
  node: "n1",
  image: "web",
  version: 1,
  manifest: { id: "a".repeat(64), signature: "", publicKey: "", header: "" },
});

/** RAID 1 of two disks with a group on it: the root on one volume, perhaps in LUKS, data on another. */
async function installed({ isEncrypted }: { isEncrypted: boolean }): Promise<Plan> {
  const root = isEncrypted ? luks("cryptroot") : lv("vg0", "root");
  const plan = await planOf(2, [
    table(0, 10, 500),
    table(1, 10, 500),
    raid1("pv", [partition(0, 2), partition(1, 2)], 497),
    group("vg0", [[md("pv"), 124]], [
      { name: "root", type: "linear", sizeBytes: 200 << 20, extents: [{ on: 0, first: 0, count: 50 }] },
      { name: "data", type: "linear", sizeBytes: 100 << 20, extents: [{ on: 0, first: 50, count: 25 }] },
    ]),
    ...isEncrypted ? [encrypted("cryptroot", lv("vg0", "root"))] : [],
    ...format(root, "/", "ext4", ROOT),
    ...format(lv("vg0", "data"), "/data", "ext4", DATA),
  ]);
  const target = await TargetDisks.prove(plan);
  await using _made = await makeVolumes(target, { plan, keys, onMake: () => {}, run });
  await formatDisk(target, { plan, onFormat: () => {}, run });
  await using _mounts = await mountTree(target, { plan, at: "/mnt" });
  await Deno.writeTextFile("/mnt/file", "kept");
  using _journal = Journal.keep("/mnt", record);
  return plan;
}

const opening = { keys: ["another key", keys.recoveryKey], run };
const quiet = { onFormat: () => {} };

async function mended(plan: Plan): Promise<readonly string[]> {
  const target = await TargetDisks.prove(plan);
  const state = await assessDisk(target, { plan, ...opening });
  assert.ok(state.fits, state.fits ? "" : state.because);
  assertReleased();
  const { notes, active } = await mendDisk(target, { plan, state, ...opening, ...quiet });
  await using _active = active;
  await using _mounts = await mountTree(target, { plan, at: "/mnt" });
  assert.equal(await Deno.readTextFile("/mnt/file"), "kept");
  return notes;
}

inSmallVm(
  "an interrupted installation on RAID, LVM and LUKS is resumed, unless it was another node's",
  async () => {
    const plan = await installed({ isEncrypted: true });
    assertReleased();
    const target = await TargetDisks.prove(plan);
    const found = await findResumption(target, { plan, record, at: "/mnt", ...opening });
    assert.ok(found.resumes, JSON.stringify(found));
    await found.active?.[Symbol.asyncDispose]();
    assertReleased();
    const other = { ...record, node: "n2" };
    const strange = await findResumption(target, { plan, record: other, at: "/mnt", ...opening });
    assert.match(strange.resumes ? "" : strange.because ?? "", /the node n1 was being installed there/);
    assertReleased();
  },
);

inSmallVm(
  "a new disk in place of one of a mirror gets its table, and is part of the array again",
  async () => {
    const plan = await installed({ isEncrypted: false });
    await run(["blkdiscard", "--force", "/dev/vdc"]);
    await run(["partx", "--delete", "/dev/vdc"], { accept: [0, 1] });
    assert.deepEqual(await mended(plan), [
      "the partition table of disk 1 is rewritten",
      "disk 1 partition 2 is again part of the array pv",
    ]);
    assertReleased();
  },
);

inSmallVm(
  "a lost logical volume is made again, and a LUKS volume that no key opens is beyond repair",
  async () => {
    const plan = await installed({ isEncrypted: true });
    const target = await TargetDisks.prove(plan);
    const state = { fits: true, lostTables: [], missing: [] } as const;
    {
      await using _active = (await mendDisk(target, { plan, state, ...opening, ...quiet })).active;
      await run(["lvm", "lvremove", "--yes", "vg0/data"]);
    }
    assertReleased();
    assert.deepEqual(await mended(plan), ["/data (ext4) is formatted", "LVM volume vg0/data was made again"]);
    {
      await using _active = (await mendDisk(target, { plan, state, ...opening, ...quiet })).active;
      const { stdout } = await run(["lvm", "lvs", "--noheadings", "--options", "lv_name,lv_uuid", "vg0"]);
      const found = stdout.trim().split("\n").map((line) => line.trim().split(/\s+/));
      const planned = plan.actions.flatMap((action) => action.do === "lvm" ? action.group.logical : []);
      assert.deepEqual(
        Object.fromEntries(found),
        Object.fromEntries(planned.map(({ name, uuid }) => [name, uuid])),
      );
    }
    await assert.rejects(
      mendDisk(target, { plan, state, keys: ["wrong"], run, ...quiet }),
      /LUKS volume cryptroot cannot be found/,
    );
    assertReleased();
  },
);
