/** A disk with an interrupted installation: recognized, checked strictly, and finished. */
import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import type { BytePath } from "#contract/format/byte_path.ts";
import { KeptPaths } from "../../agent/install/compare/kept_paths.ts";
import { findExisting } from "../../agent/install/compare/existing.ts";
import { neededFrames } from "../../agent/install/compare/testing/needed_frames.ts";
import type { Existing } from "../../agent/install/extract/frame_plan.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { Journal, OWN_FOLDER } from "../../agent/install/records/journal.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { checkFileSystems, mountTree } from "../../agent/install/disk/partition.ts";
import type { Plan } from "#plan/actions.ts";
import {
  findResumption,
  formatUnsafe,
  plannedRecord,
  type Resumption,
} from "../../agent/install/disk/resume.ts";
import { verifyTree } from "../../agent/install/extract/verify.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { close, O, openAt } from "../../agent/sys/libc.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { key, makeImage } from "../support/small_image.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, GPT, GPT_UEFI, MBR, planFor, template } from "./template_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "mkfs.vfat", "blkid", "e2fsck", "tune2fs"]);
if (missing) console.log(`skipped: interrupted installations on disks: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

const order = {
  node: "n1",
  image: "web",
  version: 3,
  manifest: { id: "a".repeat(64) },
} as unknown as Order;

async function inTemporary<T>(use: (at: string) => Promise<T>): Promise<T> {
  const at = await Deno.makeTempDir();
  try {
    return await use(at);
  } finally {
    await Deno.remove(at);
  }
}

/** Mounts it while `use` runs. */
const onDisk = <T>(target: TargetDisks, plan: Plan, use: (at: string) => T | Promise<T>): Promise<T> =>
  inTemporary(async (at) => {
    await using _mounts = await mountTree(target, { plan, at });
    return await use(at);
  });

async function begin(target: TargetDisks, plan: Plan): Promise<void> {
  await onDisk(target, plan, (at) => Journal.keep(at, plannedRecord(plan, order))[Symbol.dispose]());
}

async function judge(plan: Plan, ordered = order): Promise<Resumption> {
  const target = await TargetDisks.prove(plan, { allowLoop: true });
  const record = plannedRecord(plan, ordered);
  return await inTemporary((at) => findResumption(target, { plan, record, at, run }));
}

test("a blank disk, or one that was only formatted, is not resumed", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  assert.deepEqual(await judge(plan), { resumes: false });
  await carryOut(plan);
  assert.deepEqual(await judge(plan), { resumes: false });
});

test("the disk of the same installation is resumed; any other is formatted, with the reason", async () => {
  const header = await template(GPT);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  const target = await carryOut(plan);
  await begin(target, plan);
  assert.deepEqual(await judge(plan), { resumes: true });
  const because = async (...[aPlan, anOrder]: Parameters<typeof judge>) => {
    const judged = await judge(aPlan, anOrder);
    return judged.resumes ? "it resumes" : judged.because ?? "nothing of it is there";
  };
  const other = { ...order, version: 4, manifest: { ...order.manifest, id: "b".repeat(64) } };
  assert.match(await because(plan, other), /web@3 was being installed there, and web@4 is ordered/);
  assert.match(await because(plan, { ...order, node: "n2" }), /the node n1 .* n2 is ordered/);
  const grown = plan.actions.map((a) =>
    a.do === "format" && a.formatting.type === "ext4"
      ? { ...a, formatting: { ...a.formatting, argv: [...a.formatting.argv, "-m", "1"] as const } }
      : a
  );
  assert.match(
    await because({ ...plan, actions: grown as unknown as Plan["actions"] }),
    /it had another plan/,
  );
  await onDisk(target, plan, (at) => Deno.writeTextFile(`${at}/${OWN_FOLDER}/journal.json`, "{garbage"));
  assert.match(await because(plan), /journal cannot be read/);
  // The check left nothing in use.
  await carryOut(plan);
  assert.deepEqual(await judge(plan), { resumes: false });
});

for (
  const [name, script] of [["an MBR with a logical partition", MBR], ["a GPT and an ESP", GPT_UEFI]] as const
) {
  test(`a disk with ${name} is resumed too`, async () => {
    const header = await template(script);
    await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
    const { actions, ...rest } = await planFor(header, disk);
    // This host cannot mount vfat.
    const plan = { ...rest, actions: actions.filter((a) => a.do !== "mount" || a.type !== "vfat") };
    await begin(await carryOut(plan), plan);
    assert.deepEqual(await judge(plan), { resumes: true });
  });
}

const changes: { name: string; change: (disk: LoopDisk) => Promise<unknown> }[] = [
  { name: "another root UUID", change: (disk) => run(["tune2fs", "-U", "random", disk.partition(3)]) },
  { name: "another swap", change: (disk) => run(["mkswap", "-L", "swp", disk.partition(5)]) },
  { name: "no swap", change: (disk) => run(["wipefs", "--all", disk.partition(5)]) },
  {
    name: "another table id",
    change: (disk) => run(["sfdisk", "--disk-id", disk.device, crypto.randomUUID()]),
  },
  { name: "a partition renumbered", change: (disk) => run(["sfdisk", "--delete", disk.device, "1"]) },
  {
    name: "a superblock of zeros",
    change: (disk) =>
      run(["dd", "if=/dev/zero", `of=${disk.partition(3)}`, "bs=4096", "count=1", "conv=notrunc,fsync"]),
  },
];
for (const { name, change } of changes) {
  test(`a disk with ${name} is formatted again`, async () => {
    const header = await template(GPT);
    await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
    const plan = await planFor(header, disk);
    await begin(await carryOut(plan), plan);
    await change(disk);
    assert.equal((await judge(plan)).resumes, false);
  });
}

test("only the ESP of a UEFI disk is formatted again, with its own volume id", async () => {
  const header = await template(GPT_UEFI);
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, disk);
  const target = await carryOut(plan);
  const before = (await run(["blkid", "-p", disk.partition(1)])).stdout;
  await run(["mcopy", "-i", disk.partition(1), "/etc/hostname", "::HALF"]);
  const formatted: string[] = [];
  await formatUnsafe(target, { plan, run, onFormat: (what) => formatted.push(what) });
  assert.equal(formatted.length, 1);
  assert.match(formatted[0] ?? "", /vfat/);
  assert.equal((await run(["blkid", "-p", disk.partition(1)])).stdout, before);
  assert.doesNotMatch((await run(["mdir", "-i", disk.partition(1), "::"])).stdout, /HALF/);
});

async function* inOrder(frames: readonly number[]): AsyncGenerator<number> {
  yield* frames;
}

test("after a power cut amid writing, the installation is finished and the file system passes its check", async () => {
  const header = await template(GPT);
  using image = makeImage();
  const { manifest, pack } = image;
  const install = (target: string, frames: readonly number[], existing?: Existing) =>
    installTree({ manifest, key, target, packs: { path: () => pack }, frames: inOrder(frames), existing });
  await using first = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(header, first);
  const target = await carryOut(plan);
  await using after = await onDisk(target, plan, async (at) => {
    using _journal = Journal.keep(at, plannedRecord(plan, order));
    await assert.rejects(install(at, [0]), /never arrived/);
    await run(["sync", "-f", at]);
    // This never reaches the disk.
    await Deno.writeTextFile(`${at}/a`, "half a file");
    await Deno.writeTextFile(`${at}/stray`, "left over");
    return await first.copy();
  });
  const again = await planFor(header, after);
  assert.deepEqual(await judge(again), { resumes: true });
  const proven = await TargetDisks.prove(again, { allowLoop: true });
  await onDisk(proven, again, async (at) => {
    using journal = Journal.keep(at, plannedRecord(again, order));
    const root = openAt(-100, at as BytePath, { flags: O.RDONLY | O.DIRECTORY });
    const kept = new KeptPaths([OWN_FOLDER]);
    const existing = await findExisting(root, { manifest, kept, makeReadable: true, privileged: true });
    close(root);
    const needed = neededFrames(manifest, existing);
    assert.deepEqual(needed, [1, 2]);
    await install(at, needed, existing);
    journal.end();
    const options = { privileged: true, changed: new Set<string>(), plain: [], fromDisk: false };
    await verifyTree(manifest, { root: at, ...options });
    await Deno.remove(`${at}/lost+found`);
    await install(image.target, [0, 1, 2]);
    assert.equal(describeDifference(await rootless(image.target), await rootless(at)), undefined);
  });
  assert.equal(await checkFileSystems(proven, { plan: again, run }), "1 file system checked");
});

/** Without the root directory, whose time changed when lost+found was deleted. */
async function rootless(root: string): Promise<Awaited<ReturnType<typeof dumpTree>>> {
  const dump = await dumpTree(root);
  return { ...dump, lines: new Map([...dump.lines].filter(([path]) => path !== ".")) };
}
