/** A system that does not run, read from its write-protected disks as a backup at boot does. */
import assert from "node:assert/strict";
import { inSmallVm } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { KEY, MIRRORED, shell } from "./stacks.ts";
import { comparable, readStill } from "./still.ts";

inSmallVm("a system on LVM, LUKS and mirrors is read as when it ran, by its own names", async () => {
  await MIRRORED.make();
  const { layout } = await readMounted({ swapDevices: [] });
  await MIRRORED.unmount();
  await MIRRORED.stop();
  const { machine, notes } = await readStill([KEY]);
  assert.deepEqual(comparable(machine.layout), comparable(layout));
  assert.deepEqual({ notes, unseen: machine.unseen }, { notes: [], unseen: [] });
  assert.equal(machine.source.hostname, "lab");
});

inSmallVm("after a power cut its journal is replayed in memory", async () => {
  await shell(`
    mdadm -q --assemble /dev/md/sys /dev/vdb2 /dev/vdc2
    printf '${KEY}' | cryptsetup open /dev/md/sys safe -
    vgchange -q -ay vg-0; mount /dev/vg-0/root /mnt/m
    echo more > /mnt/m/more; sync -f /mnt/m
    dmsetup remove --force vg--0-root; umount /mnt/m; dmsetup remove --force vg--0-root || true
    vgchange -q -an vg-0; cryptsetup close safe; mdadm -q --stop /dev/md/sys`);
  const { notes } = await readStill([KEY]);
  assert.match(
    notes.join(),
    /\/ \(\/dev\/mapper\/vg--0-root\) was in use .*: its journal was replayed in memory/,
  );
});

inSmallVm("without the key the backup is refused in words", async () => {
  await assert.rejects(readStill(["wrong"]), /no known key opens it/);
});
