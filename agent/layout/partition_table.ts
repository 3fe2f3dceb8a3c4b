/** Parses the partition table of a disk, as `sfdisk -J` prints it, and the facts of `blkid -o export`. */
import { z } from "zod";
import { partitionNumber } from "./block_devices.ts";
import type { DiskTable, Partition } from "#contract/format/layout.ts";

const SfdiskTable = z.object({
  partitiontable: z.object({
    label: z.string(),
    id: z.string().optional(),
    device: z.string(),
    unit: z.literal("sectors"),
    /** Absent before util-linux 2.35. */
    sectorsize: z.int().optional(),
    firstlba: z.int().optional(),
    lastlba: z.int().optional(),
    /** A string in all versions so far. */
    "table-length": z.coerce.number().pipe(z.int()).optional(),
    partitions: z.array(z.object({
      node: z.string(),
      start: z.int(),
      size: z.int(),
      type: z.string(),
      uuid: z.string().optional(),
      name: z.string().optional(),
      attrs: z.string().optional(),
      bootable: z.boolean().optional(),
    })).default([]),
  }),
});

type Table =
  & Pick<DiskTable, "table" | "id" | "partitions">
  & Pick<DiskTable, "entries" | "firstUsableSector" | "lastUsableSector">;

/** Parses the output of `sfdisk -J DISK`. Throws RangeError if the table is neither GPT nor MBR. */
export function parseSfdisk(json: string): Table {
  const { partitiontable: table } = SfdiskTable.parse(JSON.parse(json));
  if (table.label !== "gpt" && table.label !== "dos") {
    throw new RangeError(`a partition table of type ${table.label}`);
  }
  const partitions = table.partitions.map((p): Partition => ({
    number: numberOf(p.node, table.device),
    startSector: p.start,
    sectors: p.size,
    type: p.type,
    ...(p.uuid !== undefined && { uuid: p.uuid }),
    ...(p.name !== undefined && { name: p.name }),
    ...(p.attrs !== undefined && { attributes: p.attrs }),
    ...(p.bootable !== undefined && { bootable: p.bootable }),
  }));
  return {
    table: table.label,
    ...(table.id !== undefined && { id: table.id }),
    ...(table["table-length"] !== undefined && { entries: table["table-length"] }),
    ...(table.firstlba !== undefined && { firstUsableSector: table.firstlba }),
    ...(table.lastlba !== undefined && { lastUsableSector: table.lastlba }),
    partitions: partitions.sort((a, b) => a.number - b.number),
  };
}

/** Returns 3 for /dev/sda3 on /dev/sda, and for /dev/nvme0n1p3 on /dev/nvme0n1. */
function numberOf(node: string, device: string): number {
  const number = partitionNumber(node, device);
  if (number === undefined) throw new RangeError(`${node} is not a partition of ${device}`);
  return number;
}

/**
 * Parses `blkid -p -o export`: KEY=VALUE lines, with blanks and quotes escaped by a backslash.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const facts = parseBlkid("TYPE=vfat\nLABEL=EFI\\ SYSTEM\n");
 * assert.deepEqual([facts.get("TYPE"), facts.get("LABEL")], ["vfat", "EFI SYSTEM"]);
 * ```
 */
export function parseBlkid(text: string): ReadonlyMap<string, string> {
  const pairs = text.split("\n").flatMap((line): [string, string][] => {
    const equals = line.indexOf("=");
    return equals < 1 ? [] : [[line.slice(0, equals), line.slice(equals + 1).replace(/\\(.)/g, "$1")]];
  });
  return new Map(pairs);
}
