/** A template's disk on a loop device, the plan to rebuild it on another one, and the plan's execution. */
import { headerWith } from "#contract/format/testing/samples.ts";
import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Header } from "#contract/format/manifest.ts";
import { parseBlkid } from "../../agent/layout/partition_table.ts";
import { readLayout } from "../../agent/layout/read_layout.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { formatDisk, partitionDisk } from "../../agent/install/disk/partition.ts";
import { planInstall } from "#plan/plan.ts";
import { type Plan } from "#plan/actions.ts";
import { rehearse } from "../../agent/install/disk/rehearse.ts";
import { type Run, runCommand } from "../../agent/sys/command.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { readMountTable } from "../../agent/sys/mount_table.ts";
import { LoopDisk } from "./loop_disk.ts";

export const GIB = 1 << 30;
const run = runCommand;

/** A template's disk as an administrator would make it, read by the capture's own code. */
export async function template(script: string): Promise<Header> {
  await using disk = await LoopDisk.make({ sizeBytes: GIB });
  await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: script });
  await run(["partx", "--add", disk.device]);
  const esp = /type=(U|ef)\b/.test(script);
  await run([
    "mkfs.ext4",
    "-q",
    "-F",
    "-L",
    "rootfs",
    "-O",
    "^metadata_csum,^64bit,^orphan_file",
    disk.partition(3),
  ]);
  await run(["mkswap", "-L", "swp", disk.partition(5)]);
  if (esp) await run(["mkfs.vfat", "-F", "32", "-n", "ESP", disk.partition(1)]);
  const at = await Deno.makeTempDir();
  try {
    await using _mount = await Mount.at(at, { source: disk.partition(3), type: "ext4" });
    await Deno.writeFile(`${at}/data`, new Uint8Array(20 << 20));
    await run(["sync"]);
    const mounts = readMountTable().filter(({ target }) => target === at)
      .map((mount) => ({ ...mount, target: "/" as BytePath }));
    const { layout } = await readLayout({ run: onlyThis(disk), diskTypes: ["loop"], root: at, mounts });
    const vfat = parseBlkid(
      (await run(["blkid", "-p", "-o", "export", disk.partition(1)], { accept: [0, 2] })).stdout,
    );
    if (esp) {
      // This host cannot mount vfat, so the mount table lacks it.
      layout.fileSystems.push({
        volume: { kind: "partition", disk: 0, number: 1 },
        type: "vfat",
        uuid: vfat.get("UUID") ?? "",
        label: "ESP",
        mountPoint: "/boot/efi",
        mountOptions: "",
        sizeBytes: 64 << 20,
        usedBytes: 0,
        mkfs: { features: [], fatBits: 32 },
      });
    }
    return headerWith(layout, { firmware: esp ? "uefi" : "bios" });
  } finally {
    await Deno.remove(at);
  }
}

/** Runs the real programs, but shows them this disk only. */
export function onlyThis(disk: LoopDisk): Run {
  return (argv, options) => run(argv[0] === "lsblk" ? [...argv, disk.device] : argv, options);
}

export const GPT = `label: gpt
first-lba: 34
1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, name="BIOS \\x22boot\\x22"
3 : size=800M, type=L, attrs="LegacyBIOSBootable GUID:60"
5 : size=64M, type=S
`;
export const GPT_UEFI = `label: gpt
1 : size=64M, type=U
3 : size=800M, type=L
5 : size=64M, type=S
`;
export const MBR = `label: dos
label-id: 0x1a2b3c4d
3 : size=800M, type=83, bootable
4 : size=160M, type=5
5 : size=64M, type=82
`;

export async function planFor(header: Header, disk: LoopDisk): Promise<Plan> {
  const facts = await readDisk(disk.name);
  assert(facts);
  // The planner rejects loop devices, so it sees a disk here; the guard is told the truth.
  const plan = planInstall({
    node: "n1",
    header,
    firmware: header.source?.firmware ?? "bios",
    disks: [{ ...facts, kind: "disk" }],
  });
  return plan;
}

export async function carryOut(plan: Plan): Promise<TargetDisks> {
  const target = await TargetDisks.prove(plan, { allowLoop: true });
  await rehearse(plan, { run });
  await partitionDisk(target, { plan, run });
  const formatted: string[] = [];
  await formatDisk(target, { plan, run, onFormat: (what) => formatted.push(what) });
  assert.equal(formatted.length, plan.actions.filter((a) => a.do === "format").length);
  return target;
}
