/** Volume groups of LVM on given disks: copies, equal names, and kinds that the kernel would write to. */
import assert from "node:assert/strict";
import { assembleVolumes } from "../../agent/layout/assemble/assemble_volumes.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { assertNothingIsLeft, fileOn } from "./assembled.ts";
import { inSmallVm } from "./in_small_vm.ts";
import { facts, MANY_KINDS, prepare, shell, wipe, written } from "./stacks.ts";

const { signal } = new AbortController();

inSmallVm("a copy of a disk next to it is reported, and neither is read", async () => {
  await wipe();
  await prepare();
  await shell(`vgcreate -q vg0 /dev/vdb; lvcreate -q -y -L 32M -n root vg0; vgchange -q -an vg0
    dd if=/dev/vdb of=/dev/vdc bs=1M status=none`);
  const before = await written();
  {
    await using system = await assembleVolumes(await facts(), { readOnly: true, run, signal });
    assert.match(system.notes.join(), /vdb and vdc are not read: they are copies of one physical volume/);
    await using one = await assembleVolumes(await facts(["vdc"]), { readOnly: true, run, signal });
    assert.deepEqual(one.volumes.filter(({ kind }) => kind === "lv").map(({ disks }) => disks), [["vdc"]]);
  }
  await assertNothingIsLeft();
  assert.equal(await written(), before);
});

inSmallVm("of two groups with one name, the wanted one is told by its UUID", async () => {
  await wipe();
  await prepare();
  await shell(`vgcreate -q vg0 /dev/vdb; lvcreate -q -y -L 32M -n root vg0; vgchange -q -an vg0
    mv /dev/vdb /dev/hidden
    vgcreate -q --config 'devices{filter=["a|/dev/vdc|","r|.*|"]}' vg0 /dev/vdc
    mv /dev/hidden /dev/vdb`);
  const uuid = await shell(
    `vgs --noheadings -o vg_uuid --config 'devices{filter=["a|/dev/vdb|","r|.*|"]}'`,
  );
  {
    await using both = await assembleVolumes(await facts(), { readOnly: true, run, signal });
    assert.match(both.notes.join(), /vg0 is not read: 2 groups have this name \(vdb; vdc\)|\(vdc; vdb\)/);
    const only = new Set([uuid]);
    await using one = await assembleVolumes(await facts(), { readOnly: true, only, run, signal });
    assert.deepEqual(one.volumes.flatMap(({ group, name }) => group ? [[group.uuid, name]] : []), [[
      uuid,
      "root",
    ]]);
  }
  await assertNothingIsLeft();
});

inSmallVm(
  "raid volumes and thin pools are read through snapshots in memory: their metadata stay as they were",
  async () => {
    await wipe();
    await MANY_KINDS.make();
    await MANY_KINDS.unmount();
    await MANY_KINDS.stop();
    const before = await written();
    {
      await using system = await assembleVolumes(await facts(), { readOnly: true, run, signal });
      assert.deepEqual(system.notes, []);
      const device = (name: string) => system.volumes.find((volume) => volume.name === name)?.device;
      assert.equal(await fileOn(device("thin"), "file"), "thin");
      assert.equal(await fileOn(device("twice"), "file"), "twice");
    }
    await assertNothingIsLeft();
    assert.equal(await written(), before);
  },
);
