/** Files that name the template's disk, and swap files, on a real clone's disk, read by the programs that use them. */
import assert from "node:assert/strict";
import type { DiskLayout } from "#contract/format/layout.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { noteDisks } from "../../agent/capture/disk_notes.ts";
import { excludesOf } from "../../agent/tree/excludes.ts";
import { findSwapFiles } from "../../agent/capture/swap_files.ts";
import { writeCloneRecord } from "../../agent/install/records/clone_record.ts";
import { fitToDisk } from "../../agent/install/fit/fit_to_disk.ts";
import { ExistingClone } from "../../agent/install/restore/existing_clone.ts";
import type { RestoreRequest } from "../../agent/install/restore/judge_disk.ts";
import { mountTree } from "../../agent/install/disk/partition.ts";
import { type Plan, plannedSwapFiles } from "#plan/actions.ts";
import { describePlan } from "#plan/plan_description.ts";
import { CloneTree, ForeignTree } from "../../agent/tree/tree_files.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { TemplateDisks } from "../../agent/disk_references/template_disks.ts";
import { onDisk } from "../../agent/disk_references/testing/layouts.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, MBR, planFor, template } from "./template_disk.ts";

const missing = missingForDisks([
  "sfdisk",
  "mkfs.ext4",
  "mkswap",
  "blkid",
  "swapon",
  "findmnt",
  "mkfs.xfs",
  "chattr",
]);
if (missing) console.log(`skipped: disk names: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

const MIB = 1 << 20;
const FSTAB = `# made by the installer
/dev/vda3 /     ext4 errors=remount-ro 0 1
/dev/vda5 none  swap sw 0 0
/var/extra\\040swap none swap sw,pri=7 0 0
/swapfile none swap sw 0 0
`;
const on = (layout: DiskLayout, name: string) => new TemplateDisks(layout, onDisk({ name, names: [] }));
const FILES: Readonly<Record<string, string>> = {
  "/etc/fstab": FSTAB,
  "/etc/initramfs-tools/conf.d/resume": "RESUME=/dev/vda5\n",
  "/etc/smartd.conf": "/dev/vda -a\n",
  "/var/cache/debconf/config.dat":
    "Name: grub-pc/install_devices\nTemplate: grub-pc/install_devices\nValue: /dev/vda\nOwners: grub-pc\n",
};

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.writeTextFile(`${root}${path}`, text);
  }
}

/** What a capture of a machine with these files reports; its disk was /dev/vda. */
async function captured(): Promise<{ layout: DiskLayout; plan: (disk: LoopDisk) => Promise<Plan> }> {
  const header = await template(MBR);
  const root = await Deno.makeTempDir();
  try {
    await writeFiles(root, FILES);
    for (const [name, label] of [["/swapfile", ""], ["/var/extra swap", "more"]] as const) {
      await Deno.writeFile(`${root}${name}`, new Uint8Array(8 * MIB), { mode: 0o600 });
      await run(["mkswap", ...label ? ["-L", label] : [], `${root}${name}`]);
    }
    const [disk] = header.layout?.disks ?? [];
    assert(header.layout && disk);
    const layout: DiskLayout = {
      ...header.layout,
      disks: [{ ...disk, name: "vda" }],
      swapFiles: await findSwapFiles(new ForeignTree(root), { run }),
    };
    return { layout, plan: (disk) => planFor({ ...header, layout }, disk) };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

test("a clone's fstab names its own disk, its swap files work, and a restore leaves both unchanged", async () => {
  const { layout, plan: planned } = await captured();
  assert.deepEqual(layout.swapFiles?.map(({ path, sizeBytes, label }) => [path, sizeBytes, label]), [
    ["/var/extra swap", 8 * MIB, "more"],
    ["/swapfile", 8 * MIB, undefined],
  ]);
  const excludes = excludesOf(layout, []);
  for (const name of ["swapfile", "var/extra swap"]) {
    assert(excludes.matches(bytePathOfText(name), { isDirectory: false }), name);
  }
  await using disk = await LoopDisk.make({ sizeBytes: GIB });
  const plan = await planned(disk);
  assert(describePlan(plan).some((line) => /make the swap file \/var\/extra swap, /.test(line)));
  const target = await carryOut(plan);
  const at = await Deno.makeTempDir();
  try {
    await using _mounts = await mountTree(target, { plan, at });
    await writeFiles(at, FILES);
    await Deno.chmod(`${at}/etc/fstab`, 0o640);
    await run(["chattr", "+i", `${at}/etc/fstab`]);
    const clone = new CloneTree(at);
    const fit = () =>
      fitToDisk(clone, {
        disks: on(layout, disk.name),
        swapFiles: plannedSwapFiles(plan),
        run,
      });
    const { rewritten, notes } = await fit();
    assert.deepEqual(
      rewritten,
      Object.keys(FILES).sort((a, b) => rewritten.indexOf(a) - rewritten.indexOf(b)),
    );
    assert.match(notes.join("\n"), /swap files made: \/var\/extra swap, \/swapfile/);

    assert.equal(((await Deno.stat(`${at}/etc/fstab`)).mode ?? 0) & 0o777, 0o640);
    assert.match((await run(["lsattr", `${at}/etc/fstab`])).stdout, /^\S*i/);
    const table = (await Deno.readTextFile(`${at}/etc/fstab`)).split("\n");
    assert.equal(table[0], "# made by the installer");
    const { stdout } = await run(["findmnt", "--verify", "--tab-file", `${at}/etc/fstab`]);
    assert.doesNotMatch(stdout, /unreachable.*(vda|UUID)/);
    for (const [line, partition] of [[1, 3], [2, 5]] as const) {
      const [spec = ""] = table[line]?.split(/\s/) ?? [];
      assert.match(spec, /^UUID=/);
      const found = await run(["blkid", "-p", "-o", "value", "-s", "UUID", disk.partition(partition)]);
      assert.equal(spec, `UUID=${found.stdout.trim()}`);
    }
    assert.equal(await Deno.readTextFile(`${at}/etc/smartd.conf`), `/dev/${disk.name} -a\n`);
    await proveSwaps(at, layout);

    // A restore to the same version.
    await writeCloneRecord(clone, { manifest: "m1", own: [], fitted: rewritten });
    const request = requestOf(plan, layout);
    const restored = () => ExistingClone.inspect(clone, { target, request, isDoubtful: false });
    const own = async (path: string) => {
      const comparison = (await restored()).comparison();
      return comparison?.why === "restores" && comparison.own.has(bytePathOfText(path));
    };
    assert.deepEqual(await Promise.all(["etc/fstab", "etc/smartd.conf"].map(own)), [
      true,
      true,
    ]);
    assert.deepEqual(await fit(), { rewritten: [], notes: [] });
    const record = `${at}/var/lib/rackseed/clone.json`;
    const written = (await Deno.stat(record)).ino;
    await (await restored()).recordFitted(rewritten);
    assert.equal((await Deno.stat(record)).ino, written);
    // A changed file is restored from the image, and adapted again.
    await Deno.writeTextFile(`${at}/etc/smartd.conf`, "DEVICESCAN\n");
    assert.deepEqual(await Promise.all(["etc/fstab", "etc/smartd.conf"].map(own)), [false, false]);
    await damageSwaps(at);
    assert.deepEqual((await restored()).notes.filter((note) => /swap/.test(note)), [
      "make the swap file /var/extra swap again",
      "make the swap file /swapfile again",
    ]);
    await fit();
    await proveSwaps(at, layout);
    // A leftover lock.
    await run(["chattr", "+i", `${at}/swapfile`]);
    assert.match((await fit()).notes.join(), /swap files made: \/swapfile$/);
    await proveSwaps(at, layout);
  } finally {
    await Deno.remove(at);
  }
});

async function proveSwaps(at: string, layout: DiskLayout): Promise<void> {
  for (const { path, sizeBytes, uuid } of layout.swapFiles ?? []) {
    const file = `${at}${path}`;
    const { size, mode } = await Deno.lstat(file);
    assert.deepEqual([size, (mode ?? 0) & 0o7777], [sizeBytes, 0o600]);
    const label = await run(["swaplabel", file]);
    assert(uuid !== undefined && label.stdout.includes(uuid));
    await run(["swapon", file]);
    await run(["swapoff", file]);
  }
}

/** One has holes, one has been replaced by a link. */
async function damageSwaps(at: string): Promise<void> {
  await Deno.remove(`${at}/swapfile`);
  await Deno.writeTextFile(`${at}/swapfile`, "");
  await Deno.chmod(`${at}/swapfile`, 0o600);
  await Deno.truncate(`${at}/swapfile`, 8 * MIB);
  await run(["mkswap", `${at}/swapfile`]);
  await Deno.remove(`${at}/var/extra swap`);
  await Deno.symlink("/etc/passwd", `${at}/var/extra swap`);
}

function requestOf(plan: Plan, layout: DiskLayout): RestoreRequest {
  return {
    order: {
      node: "n1",
      manifest: { id: "m1", signature: "", publicKey: "", header: "" },
      restore: { keep: [], dryRun: true, nodes: 1 },
    },
    plan,
    layout,
    run,
  };
}

test("a swap file on XFS works", async () => {
  await using disk = await LoopDisk.make({ sizeBytes: 400 * MIB });
  await run(["mkfs.xfs", "-q", "-f", disk.device]);
  const at = await Deno.makeTempDir();
  await run(["mount", disk.device, at]);
  try {
    const { layout } = await captured();
    const clone = new CloneTree(at);
    const swapFiles = layout.swapFiles ?? [];
    await fitToDisk(clone, { disks: on(layout, "sda"), swapFiles, run });
    await proveSwaps(at, layout);
  } finally {
    await run(["umount", at]);
    await Deno.remove(at);
  }
});

test("a swap file that does not fit fails the installation with a remedy, and leaves no partial file", async () => {
  await using disk = await LoopDisk.make({ sizeBytes: 16 * MIB });
  await run(["mkfs.ext4", "-q", disk.device]);
  const at = await Deno.makeTempDir();
  await run(["mount", disk.device, at]);
  try {
    const { layout } = await captured();
    const swapFiles = [{ path: "/swapfile", sizeBytes: 64 * MIB }];
    const options = { disks: on(layout, "sda"), swapFiles, run };
    await assert.rejects(fitToDisk(new CloneTree(at), options), /cannot make the swap file \/swapfile/);
    await assert.rejects(Deno.lstat(`${at}/swapfile`), Deno.errors.NotFound);
  } finally {
    await run(["umount", at]);
    await Deno.remove(at);
  }
});

test("a capture reports what it cannot carry over, file by file", async () => {
  const { layout } = await captured();
  const root = await Deno.makeTempDir();
  try {
    await writeFiles(root, {
      ...FILES,
      "/etc/fstab": `${FSTAB}/dev/sdb1 /data xfs defaults 0 0\n`,
      "/etc/monit/conf.d/root": "check device root with path /dev/vda3\n",
      "/etc/monit/conf.d/root.dpkg-old": "check device root with path /dev/vda3\n",
      "/etc/udev/rules.d/60-disk.rules": '# KERNEL=="vda"\n',
    });
    const notes = await noteDisks(new ForeignTree(root), layout);
    assert.deepEqual(notes.map((note) => note.split(" names ")[0]), [
      "/etc/fstab line 6",
      "/etc/monit/conf.d/root line 1",
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
