/** Reads the properties of a mounted file system from its superblock. */
import { displayPath, textOf } from "#contract/format/byte_path.ts";
import type { FileSystem, Volume } from "#contract/format/layout.ts";
import type { Run } from "../sys/command.ts";
import { identityOf, probe, type ReadStart } from "./device_probe.ts";
import type { MountEntry } from "../sys/mount_table.ts";
import type { Device } from "./block_devices.ts";
import { parseDumpe2fs } from "./properties/ext.ts";
import { F2FS_SUPERBLOCK_BYTES, parseF2fsSuperblock } from "./properties/f2fs.ts";
import { FAT_BOOT_SECTOR_BYTES, parseFatBootSector } from "./properties/fat.ts";
import type { Found } from "./properties/found.ts";
import { type MountedBtrfs, readBtrfs } from "./read_btrfs.ts";
import { parseXfsSuperblock, XFS_SUPERBLOCK_BYTES } from "./properties/xfs.ts";

interface Reading {
  readonly device: Device;
  readonly volume: Volume;
  /** Start of its partition, in sectors of the disk. */
  readonly startSector: number | undefined;
  readonly usedBytes: number;
  readonly btrfs: MountedBtrfs;
  readonly run: Run;
  readonly readStart: ReadStart;
  /** Receives notes about what a clone's file system will lack. */
  readonly notes: string[];
}

export async function readFileSystem(mount: MountEntry, reading: Reading): Promise<FileSystem> {
  const { device, volume, usedBytes, run } = reading;
  const mountPoint = textOf(mount.target) ?? displayPath(mount.target);
  const facts = await probe(device.path, run);
  const { mkfs, obstacle, notes, volumes: [first = volume, ...more] = [] } = await readMkfs(mount.type, {
    ...reading,
    facts,
  });
  reading.notes.push(...notes.map((note) => `${mountPoint} (${mount.type}): ${note}`));
  return {
    volume: first,
    ...(more.length > 0 && { more }),
    type: mount.type,
    ...identityOf(facts),
    mountPoint,
    mountOptions: mount.options,
    sizeBytes: device.sizeBytes,
    usedBytes,
    mkfs,
    ...(obstacle !== undefined && { obstacle }),
  };
}

/** `volumes`: those of a file system that may span several. */
type Mkfs = { mkfs: FileSystem["mkfs"]; volumes?: readonly Volume[] } & Found;

async function readMkfs(
  type: string,
  reading: Reading & { readonly facts: ReadonlyMap<string, string> },
): Promise<Mkfs> {
  switch (type) {
    case "ext2":
    case "ext3":
    case "ext4":
      return await readExt(reading);
    case "vfat":
      return await readFat(reading);
    case "xfs":
      return await readXfs(reading);
    case "f2fs":
      return await readF2fs(reading);
    case "btrfs":
      return await readBtrfs(reading.btrfs, reading);
    default:
      return { mkfs: { features: [] }, notes: [] };
  }
}

/** Offset of s_encoding_flags, which dumpe2fs does not print; ext4's superblock starts at 1024. */
const ENCODING_FLAGS_AT = 1024 + 0x27e, STRICT = 1;

async function readExt({ device, run, readStart }: Reading): Promise<Mkfs> {
  const { properties, obstacle, notes, ...basics } = parseDumpe2fs(
    (await run(["dumpe2fs", "-h", device.path])).stdout,
  );
  const mkfs: FileSystem["mkfs"] = { ...basics, features: [...basics.features], ext: properties };
  if (properties.encoding !== undefined) {
    const flags = (await readStart(device.path, ENCODING_FLAGS_AT + 1))[ENCODING_FLAGS_AT] ?? 0;
    properties.strictEncoding = (flags & STRICT) !== 0;
  }
  return { mkfs, obstacle, notes };
}

async function readFat(
  { device, facts, startSector, readStart }: Parameters<typeof readMkfs>[1],
): Promise<Mkfs> {
  const bits = /^FAT(12|16|32)$/.exec(facts.get("VERSION") ?? "")?.[1];
  const fat = parseFatBootSector(await readStart(device.path, FAT_BOOT_SECTOR_BYTES), { startSector });
  const label = facts.get("LABEL"), bootLabel = facts.get("LABEL_FATBOOT");
  return {
    mkfs: {
      features: [],
      ...(bits !== undefined && { fatBits: Number(bits) as 12 | 16 | 32 }),
      ...(fat && { fat }),
    },
    notes: bootLabel === undefined || bootLabel === label ? [] : [
      `the label in its boot sector is '${bootLabel}': a clone's is that of the volume (${label ?? "none"})`,
    ],
  };
}

async function readXfs({ device, run, readStart }: Reading): Promise<Mkfs> {
  const { properties, ...found } = parseXfsSuperblock(await readStart(device.path, XFS_SUPERBLOCK_BYTES), {
    usage: await usageOf("mkfs.xfs", run),
    sizeBytes: device.sizeBytes,
  });
  return { mkfs: { features: [], blockBytes: properties.blockBytes, xfs: properties }, ...found };
}

async function readF2fs({ device, run, readStart }: Reading): Promise<Mkfs> {
  const { properties, blockBytes, ...found } = parseF2fsSuperblock(
    await readStart(device.path, F2FS_SUPERBLOCK_BYTES),
    { usage: await usageOf("mkfs.f2fs", run) },
  );
  return { mkfs: { features: [], blockBytes, f2fs: properties }, ...found };
}

/** The program's usage text; empty if the program is missing, which is an obstacle of its own. */
async function usageOf(program: string, run: Run): Promise<string> {
  try {
    const { stdout, stderr } = await run([program], { accept: [0, 1, 2, 255] });
    return stdout + stderr;
  } catch {
    return "";
  }
}
