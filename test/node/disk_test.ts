/** Plan, guard, partition table, file systems and mounts on real block devices, read back by other programs. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { parseBlkid, parseSfdisk } from "../../agent/layout/partition_table.ts";
import { parseDumpe2fs } from "../../agent/layout/properties/ext.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { checkFileSystems, mountTree } from "../../agent/install/disk/partition.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { Plan } from "#plan/actions.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, GPT, GPT_UEFI, MBR, planFor, template } from "./template_disk.ts";

const missing = missingForDisks([
  "sfdisk",
  "mkfs.ext4",
  "mkfs.vfat",
  "mkswap",
  "blkid",
  "dumpe2fs",
  "mdir",
  "unshare",
]);
if (missing) console.log(`skipped: disks: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

const run = runCommand;

const sizes = [
  { name: "equal", sizeBytes: GIB },
  { name: "larger", sizeBytes: 2 * GIB + 12_345 * 512 },
  { name: "smaller", sizeBytes: 700 << 20 },
];
for (const { name, sizeBytes } of sizes) {
  test(`a GPT template on a disk that is ${name} keeps identifiers, features and positions`, async () => {
    const header = await template(GPT);
    await using disk = await LoopDisk.make({ sizeBytes });
    const plan = await planFor(header, disk);
    await carryOut(plan);
    const wanted = header.layout?.disks[0];
    const made = parseSfdisk((await run(["sfdisk", "-J", disk.device])).stdout);
    assert.deepEqual([made.table, made.id], ["gpt", wanted?.id]);
    const bare = (p: { startSector: number; sectors: number; number: number }) => ({
      ...p,
      startSector: 0,
      sectors: 0,
    });
    assert.deepEqual(made.partitions.map(bare), wanted?.partitions.map(bare));
    assert.equal(made.partitions[0]?.startSector, 2048);
    assert.equal(made.partitions[2]?.sectors, wanted?.partitions[2]?.sectors);
    // The backup header is right: sfdisk --verify finds no fault.
    await run(["sfdisk", "--verify", disk.device]);

    const root = header.layout?.fileSystems[0];
    const ext = parseDumpe2fs((await run(["dumpe2fs", "-h", disk.partition(3)])).stdout);
    assert.deepEqual([...ext.features].sort(), [...root?.mkfs.features ?? []].sort());
    assert.deepEqual([ext.blockBytes, ext.inodeBytes], [root?.mkfs.blockBytes, root?.mkfs.inodeBytes]);
    const facts = parseBlkid((await run(["blkid", "-p", "-o", "export", disk.partition(3)])).stdout);
    assert.deepEqual([facts.get("UUID"), facts.get("LABEL")], [root?.uuid, "rootfs"]);
    const swap = parseBlkid((await run(["blkid", "-p", "-o", "export", disk.partition(5)])).stdout);
    assert.deepEqual([swap.get("UUID"), swap.get("LABEL"), swap.get("TYPE")], [
      header.layout?.swap[0]?.uuid,
      "swp",
      "swap",
    ]);
  });
}

test("an MBR template with a logical swap, on a larger disk", async () => {
  const header = await template(MBR);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  await carryOut(await planFor(header, disk));
  const made = parseSfdisk((await run(["sfdisk", "-J", disk.device])).stdout);
  assert.deepEqual(made.partitions.map((p) => [p.number, p.type, p.bootable]), [
    [3, "83", true],
    [4, "5", undefined],
    [5, "82", undefined],
  ]);
  assert.equal(made.id, "0x1a2b3c4d");
  assert((made.partitions[0]?.sectors ?? 0) * 512 > GIB);
});

test("a UEFI template's ESP keeps its volume id, and other programs can read it", async () => {
  const header = await template(GPT_UEFI);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  await carryOut(await planFor(header, disk));
  const esp = header.layout?.fileSystems.find((f) => f.type === "vfat");
  const facts = parseBlkid((await run(["blkid", "-p", "-o", "export", disk.partition(1)])).stdout);
  assert.deepEqual([facts.get("UUID"), facts.get("LABEL"), facts.get("VERSION")], [
    esp?.uuid,
    "ESP",
    "FAT32",
  ]);
  const { stdout } = await run(["mdir", "-i", disk.partition(1), "::"]);
  assert.match(stdout, /Volume in drive : is ESP/);
});

test("a disk of 4096-byte sectors", async () => {
  const header = await template(GPT_UEFI);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB, sectorBytes: 4096 });
  await carryOut(await planFor(header, disk));
  const made = parseSfdisk((await run(["sfdisk", "-J", disk.device])).stdout);
  assert.equal(made.partitions[0]?.startSector, 2048 * 512 / 4096);
});

test("an old partition table, file system and RAID member are erased", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  await run(["mkfs.ext4", "-q", "-F", "-L", "old", disk.device]);
  const plan = await planFor(header, disk);
  await carryOut(plan);
  // Twice, for a disk that Rackseed itself wrote.
  await carryOut({ ...plan });
  const whole = parseBlkid((await run(["blkid", "-p", "-o", "export", disk.device])).stdout);
  assert.deepEqual([whole.get("PTTYPE"), whole.get("TYPE"), whole.get("LABEL")], [
    "gpt",
    undefined,
    undefined,
  ]);
});

test("new file systems are mounted, hold files, are unmounted and pass their check", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  const target = await carryOut(plan);
  const at = await Deno.makeTempDir();
  try {
    {
      await using _mounts = await mountTree(target, { plan, at });
      await Deno.writeTextFile(`${at}/hello`, "world");
      const { uses = [] } = await readDisk(disk.name) ?? {};
      assert.deepEqual(uses, [`${disk.name}p3 is mounted on ${at}`]);
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(at)), []);
    assert.equal(await checkFileSystems(target, { plan, run }), "1 file system checked");
  } finally {
    await Deno.remove(at);
  }
});

const refused = (plan: Plan, pattern: RegExp, allowLoop = true) =>
  assert.rejects(
    TargetDisks.prove(plan, { allowLoop }),
    (error) =>
      error instanceof RackseedError && pattern.test(error.reason) &&
      /Nothing was written/.test(error.reason),
  );

/** The first and last MiB, which a new table or file system would change. */
async function ends(device: string): Promise<string> {
  const { stdout } = await run([
    "sh",
    "-c",
    'head -c 1M "$0" | sha256sum; tail -c 1M "$0" | sha256sum',
    device,
  ]);
  return stdout;
}

test("the guard refuses a disk in use, which stays unchanged", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  await carryOut(plan);
  const before = await ends(disk.device);
  await refused(plan, /is not a whole disk/, false);
  const at = await Deno.makeTempDir();
  {
    await using _mount = await Mount.at(at, { source: disk.partition(3), type: "ext4", flags: 1 });
    await refused(plan, new RegExp(`${disk.name}p3 is mounted on ${at}`));
  }
  await Deno.remove(at);
  await run(["swapon", disk.partition(5)]);
  try {
    await refused(plan, /p5 is swap in use/);
  } finally {
    await run(["swapoff", disk.partition(5)]);
  }
  assert.equal(await ends(disk.device), before);
  assert(TargetDisks.isProven(await TargetDisks.prove(plan, { allowLoop: true })));
});

function onlyDisk({ disks: [only] }: Plan): DiskFacts {
  assert(only);
  return only.facts;
}

const withDisk = (plan: Plan, facts: DiskFacts): Plan => ({
  ...plan,
  disks: [{ number: 0, facts, because: "the only disk" }],
});

test("the guard refuses a disk that is not the planned one", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  const was = (more: Partial<DiskFacts>) => withDisk(plan, { ...onlyDisk(plan), ...more });
  await refused(was({ sizeBytes: 3 * GIB }), /its sizeBytes is/);
  await refused(was({ serial: "S1" }), /its serial is undefined and was S1/);
  await refused(was({ number: "8:0" }), /its number is/);
  await refused(was({ name: "no-such-disk" }), /it is gone/);
});

test("the guard refuses a read-only disk, and one that is too small", async () => {
  const header = await template(GPT);
  await using large = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, large);
  await using small = await LoopDisk.make({ sizeBytes: 100 << 20 });
  const facts = await readDisk(small.name);
  assert(facts);
  await refused(withDisk(plan, facts), /smaller than what the plan writes/);
  await using fixed = await LoopDisk.make({ sizeBytes: 2 * GIB, readOnly: true });
  const sealed = await readDisk(fixed.name);
  assert(sealed);
  await refused(withDisk(plan, sealed), /read-only/);
});

test("the guard relies on the kernel if nothing else shows that a disk is in use", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  await run(["mkfs.ext4", "-q", "-F", disk.device]);
  const at = await Deno.makeTempDir();
  // Mounted in another namespace, which this process's mountinfo does not show.
  const elsewhere = new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", 'mount "$0" "$1" && echo mounted && read -r _', disk.device, at],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = elsewhere.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "mounted\n");
  await refused(plan, /the kernel does not release it \(open: Device or resource busy\)/);
  await elsewhere.stdin.close();
  await elsewhere.status;
  await reader.cancel();
  await TargetDisks.prove(plan, { allowLoop: true });
  await Deno.remove(at);
});
