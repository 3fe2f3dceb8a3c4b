/** Templates for tests: a table and file systems made by the real tools, read, and recreated elsewhere. */
import { headerWith } from "#contract/format/testing/samples.ts";
import assert from "node:assert/strict";
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import type { Header } from "#contract/format/manifest.ts";
import { readLayout } from "../../agent/layout/read_layout.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, onlyThis, planFor } from "./template_disk.ts";

export const missingForProperties = missingForDisks([
  ...["sfdisk", "mkfs.ext4", "tune2fs", "dumpe2fs", "debugfs", "mkfs.xfs", "xfs_db", "xfs_repair"],
  ...["mkfs.vfat", "fsck.vfat", "mlabel", "mkswap", "blkid"],
]);

export interface Template {
  readonly table: string;
  readonly sizeBytes?: number;
  readonly sectorBytes?: 512 | 4096;
  /** By partition number: type, mount point, and the commands that make it, with DEVICE for its device. */
  readonly systems: Readonly<Record<number, { type: string; at: string; made: readonly string[] }>>;
  /** Changes made after that. */
  readonly change?: (disk: LoopDisk) => Promise<unknown>;
}

export async function makeTemplate(
  options: Template,
): Promise<{ header: Header; disk: LoopDisk; notes: readonly string[] }> {
  const { table, sizeBytes = GIB, sectorBytes = 512, systems, change } = options;
  await using stack = new AsyncDisposableStack();
  const disk = stack.use(await LoopDisk.make({ sizeBytes, sectorBytes }));
  await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: table });
  await run(["partx", "--add", disk.device]);
  for (const [number, { made }] of Object.entries(systems)) {
    for (const command of made) {
      await run(["sh", "-ec", command.replaceAll("DEVICE", disk.partition(Number(number)))]);
    }
  }
  await change?.(disk);
  // As if they were mounted: this host cannot mount all of them.
  const mounts = Object.entries(systems).map(([number, { type, at }], i) => ({
    id: i + 2,
    parent: 1,
    number: "",
    part: "/" as BytePath,
    target: bytePathOfText(at),
    type,
    source: disk.partition(Number(number)),
    options: "rw",
    readOnly: false,
    subvolume: undefined,
  }));
  const { layout: read, notes } = await readLayout({ run: onlyThis(disk), diskTypes: ["loop"], mounts });
  const layout = { ...read, fileSystems: read.fileSystems.map((one) => ({ ...one, usedBytes: 1 << 20 })) };
  const firmware = Object.values(systems).some(({ type }) => type === "vfat") ? "uefi" : "bios";
  stack.move();
  return { header: headerWith(layout, { firmware }), disk, notes };
}

export async function clone(
  header: Header,
  { sizeBytes, sectorBytes = 512 }: { sizeBytes: number; sectorBytes?: number },
): Promise<LoopDisk> {
  await using stack = new AsyncDisposableStack();
  const disk = stack.use(await LoopDisk.make({ sizeBytes, sectorBytes }));
  await carryOut(await planFor(header, disk));
  stack.move();
  return disk;
}

export const TABLE = `label: gpt
first-lba: 34
1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
3 : size=900M, type=L
5 : size=64M, type=S
`;

export const ESP_TABLE = `label: gpt
1 : start=2048, size=ESPM, type=U
3 : size=600M, type=L
`;
export const ROOT = { type: "ext4", at: "/", made: ["mke2fs -q -F -t ext4 -b 4096 DEVICE"] };

/** Fields that differ each time, or count what is in use. */
const PASSING = new Set([
  ...["Filesystem created", "Last mount time", "Last write time", "Last checked", "Next check after"],
  ...[
    "Lifetime writes",
    "Checksum",
    "Checksum seed",
    "Directory Hash Seed",
    "Filesystem state",
    "Mount count",
  ],
  ...["Last mounted on", "mmp_update_date", "mmp_update_time", "mmp_device_name", "mmp_node_name"],
]);

/** The fields of `dumpe2fs -h`. */
export async function dumped(
  device: string,
  { without = [] }: { without?: readonly RegExp[] } = {},
): Promise<Record<string, string>> {
  const { stdout } = await run(["dumpe2fs", "-h", device]);
  const fields = stdout.split("\n").flatMap((line) => {
    const [, name, value] = /^\s*([^:]+):\s*(.*?)\s*$/.exec(line) ?? [];
    const isKept = name !== undefined && !PASSING.has(name) && !without.some((w) => w.test(name));
    return isKept ? [[name, value ?? ""]] : [];
  });
  assert(fields.length > 20, stdout);
  return Object.fromEntries(fields);
}

/** Fields that follow from the size of a file system. */
export const SIZED = new RegExp(
  "^(Inode count|Block count|Reserved block count|Overhead.*|Free .*|Reserved GDT blocks|Inodes per group|" +
    "Inode blocks per group|Backup block groups|MMP block number|.* quota inode|Orphan file inode)$",
);
export const JOURNAL = /^(Total journal (size|blocks)|Max transaction length)$/;

/** The output of `sfdisk -d` without the device, and the protective MBR's own entry. */
export async function tableOf({ device }: LoopDisk): Promise<{ lines: string[]; protective: string }> {
  const { stdout } = await run(["sfdisk", "-d", device]);
  const protective = (await run(["sh", "-c", 'od -An -tx1 -j 446 -N 1 "$0"', device])).stdout.trim();
  return { lines: stdout.replaceAll(device, "DEVICE").split("\n"), protective };
}
