/** A system on raid volumes and a thin pool, which the kernel would write to, read from its write-protected disks. */
import assert from "node:assert/strict";
import { inSmallVm } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { MANY_KINDS } from "./stacks.ts";
import { comparable, readStill } from "./still.ts";

inSmallVm("a root in a thin pool, with other kinds of volumes, is read as when it ran", async () => {
  await MANY_KINDS.make();
  const { layout } = await readMounted({ swapDevices: [] });
  await MANY_KINDS.unmount();
  await MANY_KINDS.stop();
  const { machine } = await readStill([]);
  assert.deepEqual(comparable(machine.layout), comparable(layout));
  assert.deepEqual(machine.unseen, []);
});
