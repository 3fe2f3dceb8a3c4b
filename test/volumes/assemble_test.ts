/** The volumes of a system that does not run, assembled from its disks without a write to them. */
import assert from "node:assert/strict";
import { assembleVolumes } from "../../agent/layout/assemble/assemble_volumes.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { protectFromWriting } from "../../agent/sys/write_protection.ts";
import { assertNothingIsLeft, fileOn, partitionsOf } from "./assembled.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { facts, KEY, MIRRORED, written } from "./stacks.ts";

const { signal } = new AbortController();

inSmallVm(
  "LVM on LUKS on a mirror is read, and not one bit of its write-protected disks changes",
  async () => {
    await MIRRORED.make();
    await MIRRORED.unmount();
    await MIRRORED.stop();
    const before = await written();
    {
      using _protection = protectFromWriting(await partitionsOf(DISKS));
      await using system = await assembleVolumes(await facts(), {
        readOnly: true,
        keys: ["no", KEY],
        run,
        signal,
      });
      assert.deepEqual(system.notes, []);
      const found = system.volumes.map((
        { kind, name, group, facts },
      ) => [kind, group?.name, name, facts.get("LABEL")]);
      assert.deepEqual(found.filter(([kind]) => kind !== "partition" && kind !== "disk"), [
        ["md", undefined, "boot", "boot"],
        ["md", undefined, "sys", "safe"],
        ["luks", undefined, undefined, undefined],
        ["lv", "vg-0", "root", "root"],
        ["lv", "vg-0", "swap", "swp"],
      ]);
      const root = system.volumes.find(({ name }) => name === "root");
      assert.deepEqual(root?.disks, ["vdb", "vdc"]);
      assert.equal(await fileOn(root?.device, "file"), "kept");
    }
    await assertNothingIsLeft();
    assert.equal(await written(), before);
  },
);

inSmallVm("a mirror that lacks a disk is read from the other one", async () => {
  const before = await written();
  {
    await using system = await assembleVolumes(await facts(["vdc"]), {
      readOnly: true,
      keys: [KEY],
      run,
      signal,
    });
    assert.equal(await fileOn(system.volumes.find(({ name }) => name === "root")?.device, "file"), "kept");
  }
  await assertNothingIsLeft();
  assert.equal(await written(), before);
});

inSmallVm("without its key an encrypted volume is a note, and nothing above it is found", async () => {
  for (const keys of [[], ["wrong"]]) {
    await using system = await assembleVolumes(await facts(), { readOnly: true, keys, run, signal });
    assert.deepEqual(system.volumes.filter(({ kind }) => kind === "lv"), []);
    assert.match(system.notes.join(), keys.length === 0 ? /no key is known for it/ : /no known key opens it/);
  }
  await assertNothingIsLeft();
});
