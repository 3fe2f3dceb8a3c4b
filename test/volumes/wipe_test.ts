import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { assertReleased, inSmallVm } from "./in_small_vm.ts";
import { format, group, lv, partition, planOf, table } from "./plans.ts";

const ROOT = "11111111-1111-4111-8111-111111111111";

const sums = async (...devices: string[]) =>
  (await run(["sha256sum", ...devices], { timeoutMs: 300_000 })).stdout;

/** An old system: GPT, an array of version 1.0 on it, a group with the clone's name, and signatures of firmware RAID. */
const OLD = `
exec > /dev/null 2>&1
for disk in vdb vdc; do
  printf 'label: gpt\\n,300M\\n,300M\\n,\\n' | sfdisk /dev/$disk
done
mdadm --create /dev/md9 --run --assume-clean --level=1 --raid-devices=2 --metadata=1.0 /dev/vdb1 /dev/vdc1
pvcreate -y /dev/md9 && vgcreate vg0 /dev/md9 && lvcreate -y -n root -L 100M vg0 && mkfs.ext4 -q /dev/vg0/root
vgchange -an vg0; mdadm --stop /dev/md9
mkfs.btrfs -f /dev/vdb2; mkfs.btrfs -f /dev/vdc2
pvcreate -y /dev/vdd && vgcreate vg0 /dev/vdd && lvcreate -y -n root -L 100M vg0 && vgchange -an vg0
exit 0
`;

inSmallVm("nothing of earlier systems is left on the chosen disk; the others stay as they were", async () => {
  await run(["sh", "-c", OLD], { timeoutMs: 180_000 });
  assertReleased();
  // DDF's anchor in the last sector
  using disk = await Deno.open("/dev/vdb", { write: true });
  await disk.seek(-512, Deno.SeekMode.End);
  await disk.write(new Uint8Array([0xde, 0x11, 0xde, 0x11]));
  await disk.sync();
  const before = await sums("/dev/vdc", "/dev/vdd");
  const plan = await planOf(1, [
    table(0, 200, 600),
    group("vg0", [[partition(0, 2), 149]], [
      { name: "root", type: "linear", sizeBytes: 400 << 20, extents: [{ on: 0, first: 0, count: 100 }] },
    ]),
    ...format(lv("vg0", "root"), "/", "ext4", ROOT),
  ]);
  const target = await TargetDisks.prove(plan);
  {
    await using _made = await makeVolumes(target, { plan, onMake: () => {}, run });
    await formatDisk(target, { plan, onFormat: () => {}, run });
    await using _mounts = await mountTree(target, { plan, at: "/mnt" });
    await Deno.writeTextFile("/mnt/file", "new");
  }
  assertReleased();
  assert.equal(await sums("/dev/vdc", "/dev/vdd"), before);
  const found = async (device: string) =>
    (await run(["wipefs", "--noheadings", "-O", "TYPE", device])).stdout;
  assert.deepEqual((await found("/dev/vdb")).match(/\w+/g), ["gpt", "gpt", "PMBR"]);
  assert.equal(await found("/dev/vdb1"), "");
  assert.match(await found("/dev/vdb2"), /^\s*LVM2_member\s*$/);
  const { code } = await run(["mdadm", "--examine", "/dev/vdb1"], { accept: [0, 1] });
  assert.equal(code, 1);
  const copy = new Uint8Array(8);
  using old = await Deno.open("/dev/vdb");
  // the magic of the first copy of btrfs in the old second partition, which began at 301 MiB
  await old.seek(((301 + 64) << 20) + 64, Deno.SeekMode.Start);
  await old.read(copy);
  assert.notEqual(new TextDecoder().decode(copy), "_BHRfS_M");
});
