import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { rehearse } from "../../agent/install/disk/rehearse.ts";
import { sizeOfDevice } from "../../agent/install/disk/wipe.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import { planInstall } from "#plan/plan.ts";
import { Template } from "#plan/testing/template.ts";
import { assertReleased, DISKS, inSmallVm } from "./in_small_vm.ts";
import { lvmId } from "./plans.ts";

const keys = { recoveryKey: "a recovery key" };
const MIB = 1 << 20;

/** With ids as the real programs write them. */
function headerOf(template: Template) {
  const { header } = template, { layout } = header;
  const hex = (id: string) => id.replace(/[^0-9a-f]/g, "").padStart(32, "0");
  const arrays = (layout?.arrays ?? []).map((array) => ({
    ...array,
    uuid: hex(array.uuid).match(/.{8}/g)?.join(":") ?? "",
  }));
  const groups = (layout?.groups ?? []).map((group) => ({
    ...group,
    uuid: lvmId(group.uuid),
    physical: group.physical.map((one) => ({ ...one, uuid: lvmId(one.uuid) })),
    logical: group.logical.map((one) => ({ ...one, uuid: lvmId(one.uuid) })),
  }));
  return { ...header, ...layout && { layout: { ...layout, arrays, groups } } };
}

async function planFor(template: Template): Promise<Plan> {
  const count = template.layout.disks.length;
  const disks = (await Promise.all(DISKS.slice(0, count).map((name) => readDisk(name)))).flatMap((d) =>
    d ?? []
  );
  const choices = { disks: disks.flatMap(({ names: [name = ""] }) => name) };
  return planInstall({
    node: "n1",
    header: headerOf(template),
    firmware: "bios",
    disks: disks.map((disk) => ({ ...disk, content: "", labels: [], signatures: [] })),
    choices,
    unlock: "key-file",
  });
}

/** Carries the plan out; every volume is at least as large as planned. */
async function carriedOut(template: Template): Promise<void> {
  const plan = await planFor(template);
  await rehearse(plan, { keys, unlock: "key-file", run });
  const target = await TargetDisks.prove(plan);
  {
    await using _made = await makeVolumes(target, { plan, keys, onMake: () => {}, run });
    for (const { formatting: { volume, sizeBytes } } of actionsOf(plan, "format")) {
      assert.ok(await sizeOfDevice(target.device(volume)) >= sizeBytes, JSON.stringify(volume));
    }
    await formatDisk(target, { plan, onFormat: () => {}, run });
    await using _mounts = await mountTree(target, { plan, at: "/mnt" });
    await Deno.writeTextFile("/mnt/file", "written");
  }
  assertReleased();
}

inSmallVm("as planned on larger disks: arrays of both kinds of metadata, LVM on one of them", async () => {
  const t = new Template("bios");
  const first = t.disk({ gib: 0.8 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.partition(first, { mib: 100, kind: "raid" });
  t.partition(first, { kind: "raid" });
  const second = t.copyOf(first);
  const both = (number: number) =>
    [first, second].map((disk) => ({ kind: "partition", disk, number } as const));
  t.fileSystem(t.md("0", both(2), { metadata: "1.0" }), "/boot", { usedBytes: 10 * MIB });
  t.group("vg0", [t.md("1", both(3))]);
  t.fileSystem(t.lv("vg0", "root", { gib: 0.25 }), "/", { usedBytes: 50 * MIB });
  t.fileSystem(t.lv("vg0", "var", { gib: 0.25 }), "/var", { usedBytes: 50 * MIB });
  t.swap(t.lv("vg0", "swap", { gib: 0.0625 }));
  await carriedOut(t);
});

inSmallVm("as planned: a thin pool on LUKS", async () => {
  const t = new Template("bios");
  const disk = t.disk({ gib: 0.9 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(disk, { mib: 100 }), "/boot", { usedBytes: 10 * MIB });
  t.group("vg", [t.luks("crypt", t.partition(disk))]);
  const pool = { metadataBytes: 4 * MIB, chunkBytes: 64 * 1024, zeroes: true };
  t.lv("vg", "pool", { gib: 0.5, type: "thin-pool", ...pool });
  t.fileSystem(t.lv("vg", "root", { gib: 0.375, type: "thin", pool: "pool" }), "/", { usedBytes: 50 * MIB });
  await carriedOut(t);
});

inSmallVm("as planned: RAID 5 over three disks, and LVM's own RAID 1 on it", async () => {
  const t = new Template("bios");
  const first = t.disk({ gib: 0.9 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.partition(first, { mib: 300, kind: "raid" });
  t.partition(first, { kind: "lvm" });
  const disks = [first, t.copyOf(first), t.copyOf(first)];
  const all = (number: number) => disks.map((disk) => ({ kind: "partition", disk, number } as const));
  t.fileSystem(t.md("srv", all(2), { level: "raid5", layout: "left-symmetric" }), "/srv", {
    usedBytes: 10 * MIB,
  });
  t.group("vg", all(3));
  t.fileSystem(t.lv("vg", "root", { gib: 0.25, type: "raid1", copies: 2, on: [0, 1] }), "/", {
    usedBytes: 50 * MIB,
  });
  await carriedOut(t);
});
