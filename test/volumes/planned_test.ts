/**
 * What the planner promises, the real programs make: arrays and groups in the planned sizes, on exactly the planned
 * extents, on disks of other sizes than the template's.
 */
import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk } from "../../agent/install/disk/partition.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { planInstall } from "#plan/plan.ts";
import { Template } from "../../server/plan/testing/template.ts";
import type { Volume } from "#contract/format/layout.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";

const KIB = 1024, MIB = 1 << 20;
const keys = { recoveryKey: "a recovery key", passphrase: "a passphrase" };

/** `gib`: of the template's disks; the machine's have 1 GiB each. */
function onThree(gib: number, sizes: readonly number[]): { t: Template; at: (number: number) => Volume[] } {
  const t = new Template("bios");
  const first = t.disk({ gib });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first, { mib: 64 }), "/", { usedBytes: MIB });
  for (const mib of sizes) t.partition(first, { mib });
  if (sizes.length === 0) t.partition(first);
  const disks = [first, t.copyOf(first), t.copyOf(first)];
  return { t, at: (number) => disks.map((disk) => ({ kind: "partition", disk, number })) };
}

async function planned(t: Template, mirror?: number): Promise<Plan> {
  const disks = await Promise.all(DISKS.map(async (name) => {
    const facts = await readDisk(name);
    assert(facts);
    return { ...facts, names: [`/dev/disk/by-path/${name}`], content: "" };
  }));
  const used = disks.slice(0, mirror ?? t.layout.disks.length);
  return planInstall({
    node: "n1",
    header: t.header,
    firmware: "bios",
    disks: used,
    choices: { disks: used.map(({ names }) => names[0] ?? ""), ...mirror !== undefined && { mirror } },
    unlock: "passphrase",
  });
}

async function make(plan: Plan): Promise<void> {
  const target = await TargetDisks.prove(plan);
  // it proves the size of each array itself
  await using _made = await makeVolumes(target, { plan, keys, onMake: () => {}, run });
  for (const { group } of actionsOf(plan, "lvm")) {
    const { stdout } = await run([
      ...["lvm", "pvs", "--noheadings", "--units", "b", "--nosuffix"] as const,
      ...["-o", "pv_pe_count,pv_pe_alloc_count,pe_start", "--sort", "pv_name", "-S", `vg_name=${group.name}`],
    ]);
    const seen = stdout.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
    const expected = group.physical.map(({ extents, dataAtBytes }) => [extents, dataAtBytes]);
    assert.deepEqual(seen.map(([count, , start]) => [count, start]), expected);
    const taken = seen.reduce((sum, [, allocated = 0]) => sum + allocated, 0);
    const most = group.logical.flatMap(({ extents }) => extents).reduce((sum, { count }) => sum + count, 0);
    assert(taken <= most, `${taken} extents taken, ${most} planned`);
  }
  await formatDisk(target, { plan, run, onFormat: () => {} });
}

const levels = [
  ["raid1", "1.0", undefined],
  ["raid1", "1.1", undefined],
  ["raid5", "1.2", undefined],
  ["raid10", "1.2", "near=2"],
  ["raid10", "1.2", "far=2"],
  ["raid10", "1.0", "offset=2"],
  ["raid0", "1.2", undefined],
  ["raid4", "1.2", undefined],
] as const;
for (const gib of [0.9, 1, 1.3]) {
  inSmallVm(`arrays of each level, planned from a template with ${gib} GiB`, async () => {
    const { t, at } = onThree(gib, [64, 70, 80, 80, 80, 80, 80, 80]);
    for (const [i, [level, metadata, layout]] of levels.entries()) {
      const array = t.md(`a${i}`, at(i + 3), {
        level,
        metadata,
        chunkBytes: level === "raid1" ? 0 : 64 * KIB,
        ...layout && { layout },
      });
      t.fileSystem(array, `/srv/a${i}`, { usedBytes: MIB });
    }
    await make(await planned(t));
  });
}

inSmallVm("arrays that begin with members missing", async () => {
  const { t, at } = onThree(1, [100, 100, 100]);
  t.fileSystem(t.md("a", at(3)), "/srv/a", { usedBytes: MIB });
  t.fileSystem(t.md("b", at(4), { level: "raid5", chunkBytes: 64 * KIB }), "/srv/b", { usedBytes: MIB });
  t.fileSystem(
    t.md("c", at(5), { level: "raid10", layout: "near=2", chunkBytes: 64 * KIB }),
    "/srv/c",
    { usedBytes: MIB },
  );
  await make(await planned(t, 2));
});

for (const extentBytes of [64 * KIB, MIB, 4 * MIB]) {
  for (const gib of [0.9, 1, 1.3]) {
    inSmallVm(`volumes of each kind in extents of ${extentBytes}, from ${gib} GiB`, async () => {
      const { t, at } = onThree(gib, []);
      t.group("vg", at(3), { extentBytes });
      const mib = (count: number) => count / 1024;
      t.fileSystem(t.lv("vg", "r1", { gib: mib(96), type: "raid1", copies: 2, on: [0, 1] }), "/srv/r1", {
        usedBytes: MIB,
      });
      t.fileSystem(t.lv("vg", "r3", { gib: mib(64), type: "raid1", copies: 3, on: [0, 1, 2] }), "/srv/r3", {
        usedBytes: MIB,
      });
      t.fileSystem(t.lv("vg", "m", { gib: mib(64), type: "mirror", copies: 2, on: [1, 2] }), "/srv/m", {
        usedBytes: MIB,
      });
      t.fileSystem(
        t.lv("vg", "s", { gib: mib(96), type: "striped", stripes: 3, stripeBytes: 64 * KIB }),
        "/srv/s",
        { usedBytes: MIB },
      );
      t.fileSystem(
        t.lv("vg", "r5", { gib: mib(128), type: "raid5", stripes: 2, stripeBytes: 64 * KIB }),
        "/srv/r5",
        { usedBytes: MIB },
      );
      t.lv("vg", "pool", {
        gib: mib(160),
        type: "thin-pool",
        metadataBytes: 4 * MIB,
        chunkBytes: 64 * KIB,
        zeroes: true,
      });
      t.fileSystem(t.lv("vg", "thin", { gib: mib(300), type: "thin", pool: "pool" }), "/srv/thin", {
        usedBytes: MIB,
      });
      t.swap(t.lv("vg", "swap", { gib: mib(40) }));
      // whatever is left on all three, up to the last extent
      t.fileSystem(t.lv("vg", "rest", { gib: mib(gib < 1 ? 800 : 1100) }), "/srv/rest", { usedBytes: MIB });
      await make(await planned(t));
    });
  }
}

inSmallVm("LVM's mirror on three disks, and on one", async () => {
  for (const count of [3, 1]) {
    const t = new Template("bios");
    const first = t.disk({ gib: 1 });
    t.partition(first, { mib: 1, kind: "bios" });
    t.fileSystem(t.partition(first, { mib: 64 }), "/boot", { usedBytes: MIB });
    const physical = t.partition(first);
    const second = t.copyOf(first);
    t.group("vg", [physical, { kind: "partition", disk: second, number: 3 }]);
    t.fileSystem(t.lv("vg", "root", { gib: 0.5, type: "raid1", copies: 2, on: [0, 1] }), "/", {
      usedBytes: MIB,
    });
    await make(await planned(t, count));
  }
});

inSmallVm("LVM in LUKS on an array of whole disks", async () => {
  const t = new Template("bios");
  const first = t.disk({ gib: 1.2 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first), "/", { usedBytes: MIB });
  const members = [1.2, 1.2].map((gib): Volume => ({ kind: "disk", disk: t.disk({ gib, table: "none" }) }));
  t.group("vg", [t.luks("crypt", t.md("pv", members), { sectorBytes: 4096 })]);
  t.fileSystem(t.lv("vg", "var", { gib: 0.875 }), "/var", { usedBytes: MIB });
  await make(await planned(t));
});
