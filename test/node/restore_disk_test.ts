/** Disks of nodes to restore: examined, and repaired without losing data. */
import assert from "node:assert/strict";
import { bootState, judgeLoader, putBackArea } from "../../agent/install/boot_loader/boot_area.ts";
import type { CloneRecord } from "../../agent/install/records/clone_record.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { ExistingClone } from "../../agent/install/restore/existing_clone.ts";
import {
  foreseeDisk,
  judgeDisk,
  mendOrGiveUp,
  type RestoreRequest,
} from "../../agent/install/restore/judge_disk.ts";
import { mountTree } from "../../agent/install/disk/partition.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import {
  assessDisk,
  describeRepairs,
  mendDisk,
  unsoundFileSystems,
} from "../../agent/install/restore/restore_disk.ts";
import { tableStands } from "../../agent/install/disk/resume.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, GPT, GPT_UEFI, MBR, planFor, template } from "./template_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "mkfs.vfat", "blkid", "e2fsck", "debugfs"]);
if (missing) console.log(`skipped: restored disks: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

/** A clone with one file, as an installation leaves it. */
async function installed(script: string) {
  const header = await template(script);
  const disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const { actions, ...rest } = await planFor(header, disk);
  // This host cannot mount vfat.
  const plan: Plan = { ...rest, actions: actions.filter((a) => a.do !== "mount" || a.type !== "vfat") };
  const target = await carryOut(plan);
  await onDisk(target, plan, (at) => Deno.writeTextFile(`${at}/data`, "precious"));
  return { disk, plan, target };
}

async function onDisk<T>(
  target: TargetDisks,
  plan: Plan,
  use: (at: string) => Promise<T>,
  { readOnly = false } = {},
): Promise<T> {
  const at = await Deno.makeTempDir();
  try {
    await using _mounts = await mountTree(target, { plan, at, readOnly });
    return await use(at);
  } finally {
    await Deno.remove(at);
  }
}

function requestOf(plan: Plan, { keep = [] }: { keep?: string[] } = {}): RestoreRequest {
  return {
    order: {
      node: "n1",
      manifest: { id: "a".repeat(64), signature: "", publicKey: "", header: "" },
      restore: { keep, dryRun: false, nodes: 1 },
    },
    plan,
    layout: undefined,
    run,
  };
}

/** Makes the kernel reread the table, as a restart would. */
async function restart(disk: LoopDisk): Promise<void> {
  await run(["partx", "--delete", disk.device], { accept: [0, 1] });
  await run(["partx", "--add", disk.device], { accept: [0, 1] });
}

const zero = (disk: LoopDisk, { from, kib }: { from: number; kib: number }) =>
  run([
    ...["dd", "if=/dev/zero", `of=${disk.device}`, "bs=1024", `seek=${from}`, `count=${kib}`] as const,
    "conv=notrunc,fsync",
  ]);

for (const [name, script] of [["GPT", GPT], ["MBR", MBR]] as const) {
  test(`a disk whose first mebibyte is zeros gets its ${name} back, and the data after it stays`, async () => {
    const { disk, plan, target } = await installed(script);
    await using _disk = disk;
    assert.deepEqual(await assessDisk(target, { plan, run }), { fits: true, lostTables: [], missing: [] });
    await run(["partx", "--delete", disk.device], { accept: [0, 1] });
    await zero(disk, { from: 0, kib: 1024 });
    await restart(disk);
    const proven = await TargetDisks.prove(plan, { allowLoop: true });
    const state = await assessDisk(proven, { plan, run });
    assert.deepEqual(state, { fits: true, lostTables: [0], missing: [] });
    assert(state.fits);
    assert.deepEqual((await mendDisk(proven, { plan, state, run, onFormat: () => {} })).notes, [
      "the partition table is rewritten",
    ]);
    const [table] = actionsOf(plan, "partition");
    assert(table?.do === "partition" && await tableStands(proven, table, { run }));
    assert.equal(await onDisk(proven, plan, (at) => Deno.readTextFile(`${at}/data`)), "precious");
  });
}

test("the table is rewritten if one of the two copies of a GPT is broken", async () => {
  const { disk, plan } = await installed(GPT);
  await using _disk = disk;
  await zero(disk, { from: 1, kib: 16 });
  const proven = await TargetDisks.prove(plan, { allowLoop: true });
  const state = await assessDisk(proven, { plan, run });
  assert.deepEqual(state, { fits: true, lostTables: [0], missing: [] });
});

test("a missing swap area and ESP are recreated, and nothing else is", async () => {
  const { disk, plan, target } = await installed(GPT_UEFI);
  await using _disk = disk;
  await run(["wipefs", "--all", disk.partition(5)]);
  await run(["wipefs", "--all", disk.partition(1)]);
  const state = await assessDisk(target, { plan, run });
  assert(state.fits);
  assert.deepEqual(describeRepairs(state), ["/boot/efi (vfat) is formatted", "swap (swap) is formatted"]);
  const formatted: string[] = [];
  await mendDisk(target, { plan, state, run, onFormat: (what) => formatted.push(what) });
  assert.equal(formatted.filter((what) => what.includes(" as ")).length, 2);
  assert.deepEqual(await assessDisk(target, { plan, run }), { fits: true, lostTables: [], missing: [] });
  assert.equal(await onDisk(target, plan, (at) => Deno.readTextFile(`${at}/data`)), "precious");
});

test("a file system with paths to keep is never recreated: the restore is refused and nothing is written", async () => {
  const { disk, plan, target } = await installed(GPT_UEFI);
  await using _disk = disk;
  await run(["mkfs.vfat", "-F", "32", "-i", "12345678", disk.partition(1)]);
  const look = async () => (await run(["sha256sum", disk.partition(1)])).stdout;
  const before = await look();
  const judge = async (keep: string[]) => (await judgeDisk(target, requestOf(plan, { keep }))).message;
  await assert.rejects(
    judge(["/boot/efi/EFI/"]),
    /boot\/efi is not the image's.*would lose what must be kept/,
  );
  await assert.rejects(judge(["/boot"]), /would lose what must be kept/);
  assert.match(
    (await foreseeDisk(target, requestOf(plan, { keep: ["/boot"] }))).message,
    /it would be refused/,
  );
  assert.equal(await look(), before);
  await assert.rejects(judge(["/srv"]), /vfat in place of the image's \/boot\/efi/);
  assert.equal(await judge([]), "/boot/efi (vfat) is formatted");
  await run(["wipefs", "--all", disk.partition(1)]);
  assert.equal(await judge(["/srv"]), "/boot/efi (vfat) is formatted");
  await run(["mkfs.ext4", "-q", "-F", disk.partition(5)]);
  await assert.rejects(judge(["/srv"]), /ext4 in place of the image's swap/);
});

test("damage of a file system is found without changing it, and then repaired", async () => {
  const { disk, plan, target } = await installed(GPT);
  await using _disk = disk;
  // An inode whose blocks are not marked as used, and a wrong count.
  await run(["debugfs", "-w", "-R", "clri /data", disk.partition(3)]);
  const state = await assessDisk(target, { plan, run });
  assert(state.fits);
  assert.deepEqual(await unsoundFileSystems(target, { plan, state, run }), ["/ would be repaired"]);
  assert.deepEqual(await unsoundFileSystems(target, { plan, state, run }), ["/ would be repaired"]);
  assert.deepEqual((await mendDisk(target, { plan, state, run, onFormat: () => {} })).notes, [
    "/ was repaired",
  ]);
  assert.deepEqual(await unsoundFileSystems(target, { plan, state, run }), []);
});

test("no file of a file system that needs repair is trusted without reading it", async () => {
  const { disk, plan, target } = await installed(GPT);
  await using _disk = disk;
  const request = requestOf(plan);
  const isDoubtful = async (dryRun: boolean) => {
    if (dryRun) return (await foreseeDisk(target, request)).readable?.isDoubtful;
    const verdict = await judgeDisk(target, request);
    assert(verdict.fits);
    const mended = await mendOrGiveUp(target, { ...request, state: verdict.state, onFormat: () => {} });
    return mended.fits ? mended.isDoubtful : undefined;
  };
  const trustsIndex = async ({ dryRun = false } = {}) => {
    const doubtful = await isDoubtful(dryRun);
    assert(doubtful !== undefined);
    return await onDisk(target, plan, async (at) => {
      const options = { target, request, isDoubtful: doubtful };
      const comparison = (await ExistingClone.inspect(new CloneTree(at), options)).comparison();
      return comparison?.why === "restores" && comparison.trustsIndex;
    }, { readOnly: true });
  };
  assert.equal(await trustsIndex(), true);
  await run(["debugfs", "-w", "-R", "clri /data", disk.partition(3)]);
  assert.equal(await trustsIndex({ dryRun: true }), false);
  assert.equal(await trustsIndex(), false);
  assert.equal(await trustsIndex(), true);
});

const others: { name: string; change: (disk: LoopDisk) => Promise<unknown>; says: RegExp }[] = [
  {
    name: "another root",
    change: (disk) => run(["mkfs.ext4", "-q", "-F", disk.partition(3)]),
    says: /root file system is not in its planned place/,
  },
  {
    name: "another table",
    change: async (disk) => {
      await run(["sfdisk", "--delete", disk.device, "5"]);
      await run(["sfdisk", "--append", "--wipe-partitions", "never", disk.device], { input: ",20M,L\n" });
    },
    says: /partitions that are not the image's: \d/,
  },
];
for (const { name, change, says } of others) {
  test(`a disk with ${name} does not match, and is not touched`, async () => {
    const { disk, plan, target } = await installed(GPT);
    await using _disk = disk;
    await change(disk);
    const state = await assessDisk(target, { plan, run });
    assert(!state.fits);
    assert.match(state.because, says);
  });
}

test("a partition that was added to the image's stays", async () => {
  const { disk, plan, target } = await installed(GPT);
  await using _disk = disk;
  await run(["sfdisk", "--append", "--no-tell-kernel", disk.device], { input: ",,L\n", accept: [0, 1] });
  await restart(disk);
  assert.deepEqual(await assessDisk(target, { plan, run }), { fits: true, lostTables: [], missing: [] });
});

for (const [name, script] of [["GPT", GPT], ["MBR", MBR]] as const) {
  test(`lost boot code of a disk with ${name} is restored bit for bit, and nothing else is`, async () => {
    const { disk, plan, target } = await installed(script);
    await using _disk = disk;
    const root = await Deno.makeTempDir();
    await Deno.mkdir(`${root}/boot/grub`, { recursive: true });
    await Deno.writeTextFile(`${root}/boot/grub/core.img`, "core");
    const look = () => bootState(target, { plan, clone: new CloneTree(root), folders: ["/boot/grub"] });
    const code = new TextEncoder().encode("boot code");
    const write = async (offset: number, bytes: Uint8Array) => {
      using file = await Deno.open(disk.device, { write: true });
      await file.seek(offset, Deno.SeekMode.Start);
      await file.write(bytes);
      await file.sync();
    };
    const area = name === "GPT" ? 1 << 20 : 512;
    for (const at of [0, area, area + 5000]) await write(at, code);
    const boot = await look();
    const manifest = "a".repeat(64);
    const record: CloneRecord = { format: "rackseed-clone", formatVersion: 1, manifest, own: [], boot };
    assert.equal(judgeLoader(boot, { record, manifest }).state, "sound");
    const table = (await run(["sfdisk", "-d", disk.device])).stdout;
    for (const at of [0, area, area + 5000]) await write(at, new Uint8Array(20));
    const judged = judgeLoader(await look(), { record, manifest });
    assert.deepEqual(judged, { state: "lost", because: "its code at the start of the disk has changed" });
    await putBackArea(target, { plan, area: boot.area });
    assert.deepEqual(await look(), boot);
    assert.equal((await run(["sfdisk", "-d", disk.device])).stdout, table);
    assert.equal(judgeLoader(boot, { record, manifest: "b".repeat(64) }).state, "unknown");
    assert.equal(judgeLoader(boot, { record: undefined, manifest }).state, "unknown");
    const believing = await bootState(target, {
      plan,
      clone: new CloneTree(root),
      folders: ["/boot/grub"],
      known: { ...boot, files: { "/boot/grub/core.img": "hash of before" } },
    });
    assert.equal(
      believing.files["/boot/grub/core.img"],
      "hash of before",
      "an unchanged file must not be read",
    );
    await Deno.writeTextFile(`${root}/boot/grub/core.img`, "another");
    assert.match(JSON.stringify(judgeLoader(await look(), { record, manifest })), /1 of its files.*core.img/);
    await Deno.remove(root, { recursive: true });
  });
}
