/** The partition table of a disk, out of `sfdisk -J`. */
import { z } from "zod";
import type { DiskTable, Partition } from "#contract/layout.ts";

const SfdiskTable = z.object({
  partitiontable: z.object({
    label: z.string(),
    id: z.string().optional(),
    device: z.string(),
    unit: z.literal("sectors"),
    /** Absent before util-linux 2.35. */
    sectorsize: z.int().optional(),
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

/** Parses `sfdisk -J DISK`. Throws RangeError where the table is neither GPT nor MBR. */
export function parseSfdisk(json: string): Pick<DiskTable, "table" | "id" | "partitions"> {
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
    partitions: partitions.sort((a, b) => a.number - b.number),
  };
}

/** 3 out of /dev/sda3 on /dev/sda, and out of /dev/nvme0n1p3 on /dev/nvme0n1. */
function numberOf(node: string, device: string): number {
  const match = node.startsWith(device) ? /^p?(\d+)$/.exec(node.slice(device.length)) : null;
  if (!match) throw new RangeError(`${node} is not a partition of ${device}`);
  return Number(match[1]);
}

/** Parses `blkid -p -o export`: KEY=VALUE lines, blanks and quotes with a backslash before them. */
export function parseBlkid(text: string): ReadonlyMap<string, string> {
  const pairs = text.split("\n").flatMap((line): [string, string][] => {
    const equals = line.indexOf("=");
    return equals < 1 ? [] : [[line.slice(0, equals), line.slice(equals + 1).replace(/\\(.)/g, "$1")]];
  });
  return new Map(pairs);
}

export interface ExtSuperblock {
  readonly features: readonly string[];
  readonly blockBytes: number;
  readonly inodeBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

/** What `dumpe2fs -h` says that mke2fs must be told. Throws RangeError on other output. */
export function parseDumpe2fs(text: string): ExtSuperblock {
  const value = (name: string) => {
    const line = text.split("\n").find((l) => l.startsWith(`${name}:`));
    if (line === undefined) throw new RangeError(`dumpe2fs names no "${name}"`);
    return line.slice(name.length + 1).trim();
  };
  const count = (name: string) => {
    const n = Number(value(name));
    if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`dumpe2fs: "${name}" is no count`);
    return n;
  };
  // states, not properties: they come and go with mounting
  const states = new Set(["needs_recovery", "orphan_present", "recover"]);
  return {
    features: value("Filesystem features").split(/\s+/).filter((f) => /^\w+$/.test(f) && !states.has(f)),
    blockBytes: count("Block size"),
    inodeBytes: count("Inode size"),
    inodes: count("Inode count"),
    freeInodes: count("Free inodes"),
  };
}
