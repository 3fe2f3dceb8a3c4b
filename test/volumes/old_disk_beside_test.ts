/** Disks of an earlier life beside the chosen ones: volumes with the same names, and with the same ids. */
import assert from "node:assert/strict";
import { Template } from "#plan/testing/template.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { filledAndFound, MIB, onEach, planFor } from "./planned.ts";
import { prepare, shell, wipe, written } from "./stacks.ts";

const PAIR = DISKS.slice(0, 2), OLD = "vdd";

/** LVM on LUKS on a mirror, and /boot on a mirror of its own. */
function mirrored(): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 0.9 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.partition(first, { mib: 64, kind: "raid" });
  t.partition(first, { kind: "raid" });
  const disks = [first, t.copyOf(first)];
  t.fileSystem(t.md("boot", onEach(disks, 2), { metadata: "1.0" }), "/boot", { usedBytes: MIB });
  t.group("vg0", [t.luks("crypt", t.md("pv", onEach(disks, 3)))]);
  t.fileSystem(t.lv("vg0", "root", { gib: 0.5 }), "/", { usedBytes: 10 * MIB });
  t.swap(t.lv("vg0", "swap", { gib: 0.0625 }));
  return t;
}

async function untouched(work: () => Promise<void>): Promise<void> {
  const before = await written([OLD]);
  await work();
  assert.equal(await written([OLD]), before);
}

inSmallVm("an old disk that is a copy of the clone's is neither assembled nor written", async () => {
  const plan = await planFor(mirrored().header, { on: PAIR });
  await filledAndFound(plan);
  await shell(
    `dd if=/dev/${PAIR[0]} of=/dev/${OLD} bs=4M conv=sparse status=none; blockdev --rereadpt /dev/${OLD}`,
  );
  await untouched(() => filledAndFound(plan));
});

inSmallVm("an old group with the same name is neither activated nor written", async () => {
  await wipe();
  await prepare();
  await shell(`vgcreate -q vg0 /dev/${OLD}; lvcreate -q -y -L 100M -n root vg0; mkfs.ext4 -q /dev/vg0/root
    vgchange -q -an vg0`);
  const plan = await planFor(mirrored().header, { on: PAIR });
  await untouched(() => filledAndFound(plan));
});
