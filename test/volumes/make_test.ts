import assert from "node:assert/strict";
import { activateVolumes } from "../../agent/install/disk/active_volumes.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { rehearseVolumes } from "../../agent/install/disk/rehearse_volumes.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import type { Action } from "#plan/actions.ts";
import { assertReleased, inSmallVm } from "./in_small_vm.ts";
import {
  encrypted,
  format,
  group,
  luks,
  lv,
  lvmId,
  md,
  partition,
  planOf,
  raid1,
  swap,
  table,
} from "./plans.ts";

const ROOT = "11111111-1111-4111-8111-111111111111", SWAP = "22222222-2222-4222-8222-222222222222";
const VAR = "33333333-3333-4333-8333-333333333333";
const keys = { recoveryKey: "a recovery key", passphrase: "a passphrase" };

/** Makes the volumes, writes a file, and deactivates all; then finds the file again. */
async function madeAndFound(disks: number, actions: readonly Action[]): Promise<void> {
  const plan = await planOf(disks, actions);
  await rehearseVolumes({ plan, keys, run });
  assertReleased();
  const target = await TargetDisks.prove(plan);
  {
    await using _made = await makeVolumes(target, { plan, keys, onMake: () => {}, run });
    await formatDisk(target, { plan, onFormat: () => {}, run });
    await using _mounts = await mountTree(target, { plan, at: "/mnt" });
    await Deno.writeTextFile("/mnt/file", "kept");
  }
  assertReleased();
  {
    await using found = await activateVolumes(target, {
      plan,
      keys: [keys.recoveryKey],
      readOnly: true,
      run,
    });
    assert.deepEqual(found.missing, [], `${found.notes}`);
    await using _mounts = await mountTree(target, { plan, at: "/mnt", readOnly: true });
    assert.equal(await Deno.readTextFile("/mnt/file"), "kept");
  }
  assertReleased();
}

const text = async (...argv: [string, ...string[]]) => (await run(argv)).stdout.trim();

inSmallVm("MD RAID 1 with LVM on it: XFS root, ext4 and swap", async () => {
  await madeAndFound(2, [
    table(0, 10, 900),
    table(1, 10, 900),
    raid1("pv", [partition(0, 2), partition(1, 2)], 897),
    group("vg0", [[md("pv"), 224]], [
      { name: "root", type: "linear", sizeBytes: 400 << 20, extents: [{ on: 0, first: 0, count: 100 }] },
      { name: "my-swap", type: "linear", sizeBytes: 40 << 20, extents: [{ on: 0, first: 100, count: 10 }] },
      { name: "var", type: "linear", sizeBytes: 456 << 20, extents: [{ on: 0, first: 110, count: 114 }] },
    ]),
    ...format(lv("vg0", "root"), "/", "xfs", ROOT),
    ...format(lv("vg0", "var"), "/var", "ext4", VAR),
    swap(lv("vg0", "my-swap"), SWAP),
  ]);
  const examined = await text("mdadm", "--examine", "/dev/vdc2");
  assert.match(examined, /Array UUID : 3aaa0122:29827cfa:5331ad66:ca767371/);
  assert.match(examined, /Name : template:pv\b/);
  assert.match(examined, /Data Offset : 4096 sectors/);
  assert.match(examined, /Internal Bitmap/);
});

inSmallVm("a group keeps the template's ids of itself and of its volumes", async () => {
  await madeAndFound(1, [
    table(0, 900),
    group("my-vg", [[partition(0, 1), 224]], [
      {
        name: "root",
        type: "linear",
        sizeBytes: 400 << 20,
        tags: ["a"],
        extents: [{ on: 0, first: 20, count: 100 }],
      },
    ]),
    ...format(lv("my-vg", "root"), "/", "ext4", ROOT),
  ]);
  const seen = async (kind: string, fields: string) =>
    await text("lvm", kind, "--noheadings", "--units", "b", "-o", fields);
  assert.match(await seen("vgs", "vg_uuid,vg_tags"), new RegExp(`^${lvmId("VGmy-vg")} +rack1$`));
  assert.match(await seen("lvs", "lv_uuid,lv_tags"), new RegExp(`^${lvmId("LVmy-vgroot")} +a$`));
  assert.match(await seen("pvs", "pv_uuid,pe_start"), new RegExp(`^${lvmId("PVmy-vg0")} +1048576B$`));
  const { stderr } = await run(["lvm", "vgck", "my-vg"]);
  assert.equal(stderr, "");
  assert.match(await seen("pvs", "pv_in_use,pv_attr,pv_pe_count,pv_pe_alloc_count"), /^used +a-- +224 +100$/);
  assert.match(await seen("lvs", "lv_attr,seg_pe_ranges"), /^-wi-\S+ +\/dev\/vdb1:20-119$/);
});

inSmallVm("LUKS on a logical volume: both keys open it, and the flag is in its header", async () => {
  await madeAndFound(1, [
    table(0, 900),
    group("vg0", [[partition(0, 1), 224]], [
      { name: "root", type: "linear", sizeBytes: 400 << 20, extents: [{ on: 0, first: 0, count: 100 }] },
    ]),
    encrypted("cryptroot", lv("vg0", "root")),
    ...format(luks("cryptroot"), "/", "ext4", ROOT),
  ]);
});

inSmallVm("LVM on LUKS", async () => {
  await madeAndFound(1, [
    table(0, 900),
    encrypted("cryptpv", partition(0, 1), { sectorBytes: 4096 }),
    group("vg0", [[luks("cryptpv"), 220]], [
      { name: "root", type: "linear", sizeBytes: 400 << 20, extents: [{ on: 0, first: 0, count: 100 }] },
    ]),
    ...format(lv("vg0", "root"), "/", "ext4", ROOT),
  ]);
  const dump = await text("cryptsetup", "luksDump", "/dev/vdb1");
  assert.match(dump, /Flags:\s+allow-discards/);
  assert.match(dump, /UUID:\s+7b1e7a3f-0000-4000-8000-000000000001/);
  assert.match(dump, /Label:\s+secret/);
  assert.match(dump, /offset: 16777216 \[bytes\]/);
  assert.match(dump, /PBKDF:\s+argon2id/);
  for (const input of [keys.recoveryKey, keys.passphrase]) {
    await run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", "/dev/vdb1"], { input });
  }
});

inSmallVm("a thin pool with a thin volume", async () => {
  await madeAndFound(1, [
    table(0, 900),
    group("vg0", [[partition(0, 1), 224]], [
      {
        name: "pool",
        type: "thin-pool",
        sizeBytes: 400 << 20,
        metadataBytes: 4 << 20,
        chunkBytes: 65_536,
        zeroes: false,
        extents: [{ on: 0, first: 0, count: 102 }],
      },
      { name: "root", type: "thin", pool: "pool", sizeBytes: 600 << 20, extents: [] },
    ]),
    ...format(lv("vg0", "root"), "/", "ext4", ROOT),
  ]);
});

inSmallVm("LVM's own RAID 1, over two disks", async () => {
  await madeAndFound(2, [
    table(0, 900),
    table(1, 900),
    group("vg0", [[partition(0, 1), 224], [partition(1, 1), 224]], [
      {
        name: "root",
        type: "raid1",
        copies: 2,
        sizeBytes: 400 << 20,
        extents: [{ on: 0, first: 0, count: 101 }, { on: 1, first: 0, count: 101 }],
      },
    ]),
    ...format(lv("vg0", "root"), "/", "ext4", ROOT),
  ]);
});

inSmallVm("a mirror that lacks a disk", async () => {
  await madeAndFound(1, [
    table(0, 900),
    raid1("root", [partition(0, 1), "missing"], 897),
    ...format(md("root"), "/", "xfs", ROOT),
  ]);
});
