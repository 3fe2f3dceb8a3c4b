/** The layout of a running machine's volumes, read from the real tools and the real kernel. */
import assert from "node:assert/strict";
import { layoutObstacles } from "../../agent/capture/layout_obstacles.ts";
import { inSmallVm } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { MANY_KINDS, MIRRORED, shell, wipe } from "./stacks.ts";

inSmallVm("LVM on LUKS on a mirror is read from a running machine", async () => {
  await wipe();
  await MIRRORED.make();
  const { layout, unseen, notes } = await readMounted({ swapDevices: [] });
  assert.deepEqual(layoutObstacles(layout), []);
  assert.deepEqual({ unseen, notes }, { unseen: [], notes: [] });
  assert.deepEqual(layout.disks.map(({ name, table }) => [name, table]), [["vdb", "gpt"], ["vdc", "gpt"]]);
  const part = (disk: number, number: number) => ({ kind: "partition", disk, number });
  const boot = layout.arrays?.find(({ name }) => name === "boot");
  const sys = layout.arrays?.find(({ name }) => name === "sys");
  assert.deepEqual(
    boot && [boot.superblockName, boot.metadata, boot.level, boot.slots, boot.members, boot.bitmap],
    [
      ...["lab:boot", "1.0", "raid1", 2],
      ...[[part(0, 1), part(1, 1)], "none"],
    ],
  );
  assert.deepEqual(sys && [sys.metadata, sys.bitmap, sys.writeMostly, sys.chunkBytes], [
    ...["1.2", "internal"],
    ...[[part(1, 2)], 0],
  ]);
  const [safe] = layout.encrypted ?? [];
  assert.deepEqual(
    safe && [safe.name, safe.on, safe.version, safe.label, safe.cipher, safe.flags, safe.opensWith],
    [
      ...["safe", { kind: "md", name: "sys" }, 2, "safe", "aes-xts-plain64"],
      ...[["allow-discards"], ["passphrase"]],
    ],
  );
  assert.equal(safe?.uuid, await shell("cryptsetup luksUUID /dev/md/sys"));
  const [group] = layout.groups ?? [];
  assert.deepEqual(group?.physical.map(({ volume }) => volume), [{ kind: "luks", name: "safe" }]);
  assert.deepEqual(group?.tags, ["prod"]);
  assert.deepEqual(group?.logical.map(({ name, type, tags, on }) => [name, type, tags, on]), [
    ["root", "linear", ["os/root"], [0]],
    ["swap", "linear", undefined, [0]],
  ]);
  assert.deepEqual(layout.fileSystems.map(({ mountPoint, volume }) => [mountPoint, volume]), [
    ["/", { kind: "lv", group: "vg-0", name: "root" }],
    ["/boot", { kind: "md", name: "boot" }],
  ]);
  assert.deepEqual(layout.swap.map(({ volume, label }) => [volume, label]), [
    [{ kind: "lv", group: "vg-0", name: "swap" }, "swp"],
  ]);
});

inSmallVm("a degraded array is read with the device that is left, and noted", async () => {
  await shell(
    "mdadm -q /dev/md/sys --fail /dev/vdc2; mdadm -q /dev/md/sys --remove /dev/vdc2; mdadm -q --zero-superblock /dev/vdc2",
  );
  const { layout, notes } = await readMounted({ swapDevices: [] });
  const sys = layout.arrays?.find(({ name }) => name === "sys");
  assert.deepEqual([sys?.slots, sys?.members.length, sys?.obstacle], [2, 1, undefined]);
  assert.match(notes.join(), /the MD array sys is degraded, 1 of its 2 devices are missing/);
  await MIRRORED.unmount();
  await MIRRORED.stop();
});

inSmallVm(
  "every kind of logical volume is read with its shape, its hidden parts folded into it",
  async () => {
    await wipe();
    await MANY_KINDS.make();
    const { layout, unseen, notes } = await readMounted({ swapDevices: [] });
    console.log(
      await shell("lvs -a -o lv_name,lv_layout,lv_role,segtype,stripes,data_stripes,data_copies,devices"),
    );
    assert.deepEqual(layoutObstacles(layout), []);
    assert.deepEqual(layout.disks.map(({ name, table }) => [name, table]), [
      ...[["vdb", "none"], ["vdc", "none"], ["vdd", "none"]],
    ]);
    const [group] = layout.groups ?? [];
    const shape = (
      { name, type, stripes, stripeBytes, copies, pool }: NonNullable<typeof group>["logical"][number],
    ) => [
      name,
      type,
      ...[stripes, stripeBytes, copies, pool].map((value) => value ?? "-"),
    ];
    assert.deepEqual(group?.logical.map(shape), [
      ["five", "raid5", 2, 65536, "-", "-"],
      ["old", "mirror", "-", "-", 2, "-"],
      ["plain", "linear", "-", "-", "-", "-"],
      ["pool", "thin-pool", "-", "-", "-", "-"],
      ["thin", "thin", "-", "-", "-", "pool"],
      ["twice", "raid1", "-", "-", 2, "-"],
      ["wide", "striped", 2, 65536, "-", "-"],
    ]);
    const pool = group?.logical.find(({ name }) => name === "pool");
    assert.deepEqual([pool?.chunkBytes, pool?.metadataBytes, pool?.zeroes], [131_072, 4 << 20, true]);
    const plain = group?.logical.find(({ name }) => name === "plain");
    assert.deepEqual(plain?.on?.map((index) => group?.physical[index]?.volume), [{ kind: "disk", disk: 1 }]);
    assert.match(notes.join(), /the snapshot vg1\/before of plain is not captured/);
    assert.deepEqual(unseen, []);
    await MANY_KINDS.unmount();
  },
);
