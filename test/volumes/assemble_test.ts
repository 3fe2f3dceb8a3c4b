/** The volumes of a system that does not run, assembled from its disks without a write to them. */
import assert from "node:assert/strict";
import { assembleVolumes } from "../../agent/layout/assemble/assemble_volumes.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { protectFromWriting } from "../../agent/sys/write_protection.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { facts, KEY, MANY_KINDS, MIRRORED, prepare, shell, wipe, written } from "./stacks.ts";

const { signal } = new AbortController();

async function assertNothingIsLeft(): Promise<void> {
  const names = Array.from(Deno.readDirSync("/sys/block"), ({ name }) => name);
  assert.deepEqual(names.filter((name) => /^(dm-|md)/.test(name)), []);
  assert.equal(await shell("losetup -a"), "");
}

async function fileOn(device: string | undefined, path: string): Promise<string> {
  assert(device !== undefined);
  await run(["mount", "-o", "ro,noload", device, "/mnt"]);
  try {
    return (await Deno.readTextFile(`/mnt/${path}`)).trim();
  } finally {
    await run(["umount", "/mnt"]);
  }
}

async function partitionsOf(names: readonly string[]): Promise<string[]> {
  return (await facts(names)).flatMap(({ name, partitions }) => [
    `/dev/${name}`,
    ...partitions.map((p) => `/dev/${p.name}`),
  ]);
}

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

inSmallVm("a copy of a disk beside it is told of, and neither is read", async () => {
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
