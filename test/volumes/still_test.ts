/** A system that does not run, read from its write-protected disks as a backup at boot does. */
import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { readStillSystem } from "../../agent/backup/still_system.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { protectFromWriting } from "../../agent/sys/write_protection.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { assertNothingIsLeft, partitionsOf } from "./assembled.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { facts, KEY, MIRRORED, shell, written } from "./stacks.ts";

const AT = "/mnt/still";

/** Reads the system on the disks, and checks that nothing was written to them. */
async function readStill(keys: readonly string[]) {
  await Deno.mkdir(AT, { recursive: true });
  const before = await written();
  let found;
  {
    using _protection = protectFromWriting(await partitionsOf(DISKS));
    await using stack = new AsyncDisposableStack();
    const { signal } = new AbortController();
    const excludes = compileExcludes([]), firmware = "bios" as const;
    const options = { node: "n1", keys, excludes, firmware, at: AT, stack, run, signal };
    found = await readStillSystem(await facts(), options);
    assert.equal((await Deno.readTextFile(`${AT}/file`)).trim(), "kept");
  }
  assert.equal(await written(), before);
  await assertNothingIsLeft();
  return found;
}

/** Without what depends on how it is mounted. */
function comparable({ boot: _, swapFiles: __, fileSystems, ...layout }: DiskLayout) {
  return {
    ...layout,
    fileSystems: fileSystems.map(({ mountOptions: _, usedBytes: __, ...rest }) => rest),
  };
}

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
