/** Reads the partition table of a disk, including what sfdisk does not report. */
import type { DiskTable } from "#contract/format/layout.ts";
import { readDisk } from "./disks.ts";
import type { Run } from "../sys/command.ts";
import { probe, type ReadStart } from "./device_probe.ts";
import type { Device } from "./block_devices.ts";
import { parseSfdisk } from "./partition_table.ts";
import { parseDiskStart } from "./properties/disk_start.ts";

/** Adds to `notes` what a clone's table will lack. */
export async function readTable(
  disk: Device,
  { run, readStart, notes }: { run: Run; readStart: ReadStart; notes: string[] },
): Promise<DiskTable> {
  const sectorBytes = disk.sectorBytes === 4096 ? 4096 : 512;
  const common = {
    name: disk.name,
    ...await linkNames(disk),
    sizeBytes: disk.sizeBytes,
    sectorBytes,
  } as const;
  const kind = (await probe(disk.path, run)).get("PTTYPE");
  if (kind === undefined) return { ...common, table: "none", partitions: [] };
  if (kind !== "gpt" && kind !== "dos") {
    return {
      ...common,
      table: "none",
      partitions: [],
      obstacle: `its partition table is of the type ${kind}`,
    };
  }
  const { lastUsableSector, ...table } = parseSfdisk(
    (await run(["sfdisk", "-J", disk.path])).stdout,
  );
  if (table.table === "dos") return { ...common, ...table };
  const start = parseDiskStart(await readStart(disk.path, 2 * sectorBytes), common);
  notes.push(...gptNotes(table, start.isHybrid).map((note) => `${disk.name}: ${note}`));
  return {
    ...common,
    ...table,
    ...(start.isBackupLast && lastUsableSector !== undefined && { lastUsableSector }),
    ...(start.protectiveBoot && { protectiveBoot: true }),
  };
}

/** The udev links by which files may name the disk. */
async function linkNames({ name, kernelName, path }: Device): Promise<{ names?: string[] }> {
  const { names = [] } = await readDisk(name) ?? {};
  // of a disk with several paths, device mapper's device has names, too
  const joined = kernelName === name ? undefined : await readDisk(kernelName);
  const all = [...path.startsWith("/dev/mapper/") ? [path] : [], ...names, ...joined?.names ?? []];
  const usable = [...new Set(all)].filter((n) => n.length <= 255 && !/\s/.test(n)).slice(0, 64);
  return usable.length > 0 ? { names: usable } : {};
}

function gptNotes({ partitions }: Pick<DiskTable, "partitions">, isHybrid: boolean): string[] {
  const unwritable = partitions.filter(({ name = "" }) => /[^\0-\uffff]/u.test(name));
  return [
    ...isHybrid ? ["its hybrid MBR is not captured: a clone's MBR only protects the GPT"] : [],
    ...unwritable.length === 0 ? [] : [
      `sfdisk cannot write the names of ${unwritable.length} partitions (the first is number ${
        unwritable[0]?.number
      }): a clone's partitions have no names there`,
    ],
  ];
}
