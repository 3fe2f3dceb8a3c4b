/** Partition tables and file systems that differed from the originals, or could not be made at all. */
import { RackseedError } from "#contract/errors.ts";
import type { FatProperties, XfsProperties } from "#contract/format/file_system_properties.ts";
import type { DiskTable, FileSystem, Partition } from "#contract/format/layout.ts";
import { parseSfdisk } from "../../agent/layout/partition_table.ts";
import { formatFileSystem } from "#plan/plan_format.ts";
import { planTable, sfdiskScript } from "#plan/plan_table.ts";
import { isTuned } from "../../agent/install/disk/retune.ts";
import { EXT as ext } from "../support/file_system_properties.ts";
import { testReports } from "./report.ts";

const MIB = 1 << 20, GIB = 1024 * MIB;
const LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";

const xfs: XfsProperties = {
  blockBytes: 4096,
  sectorBytes: 512,
  inodeBytes: 512,
  directoryBlockBytes: 4096,
  enabled: ["crc", "finobt", "sparse", "ftype"],
  disabled: ["rmapbt", "reflink", "bigtime"],
  logBytes: 64 * MIB,
  logStripeBytes: 0,
  stripeUnitBytes: 0,
  stripeWidthBytes: 0,
};
const fat: FatProperties = {
  sectorBytes: 512,
  sectorsPerCluster: 1,
  clusters: 403_266,
  reservedSectors: 32,
  fats: 2,
  rootEntries: 0,
  media: 0xf8,
  driveNumber: 0x80,
  backupSector: 6,
};

type Made = Pick<FileSystem, "type" | "mkfs"> & Partial<FileSystem> & {
  readonly on: number;
  readonly sectorBytes?: number;
  /** The part of the commands to compare. */
  readonly shows: RegExp;
};

/** The options of mkfs and tune2fs that a row shows, for a disk with `on` bytes. */
function commands({ on, sectorBytes = 512, shows, ...more }: Made): string | undefined {
  const fileSystem: FileSystem = {
    volume: { kind: "partition", disk: 0, number: 1 },
    mountPoint: "/",
    mountOptions: "rw",
    sizeBytes: GIB,
    usedBytes: 100 * MIB,
    ...more,
  };
  const { argv, tuning = [] } = formatFileSystem(fileSystem, {
    sizeBytes: on,
    sectorBytes,
    sectorBytesBefore: 512,
    entries: 100,
  });
  return shows.exec([...argv, ...tuning].join(" "))?.[0];
}

const features = ["has_journal", "extent", "64bit"];
testReports(commands, [
  {
    report: "rear/rear#11",
    fault:
      "the number of reserved blocks was restored unchanged, which was too many for a smaller file system",
    input: {
      type: "ext4",
      mkfs: { features, blockBytes: 4096, ext: { ...ext, reservedBlocks: 120_000 } },
      on: GIB / 4,
      shows: /-r \d+/,
    },
    right: "-r 30000",
  },
  {
    report: "rear/rear#86",
    fault: "after a restore the number of inodes was the default",
    input: {
      type: "ext4",
      mkfs: { features, blockBytes: 4096, inodeBytes: 256, inodes: 1_048_576, ext },
      on: 2 * GIB,
      shows: /-I 256 -N \d+/,
    },
    right: "-I 256 -N 2097152",
  },
  {
    report: "fdupoux/fsarchiver#41",
    fault: "a restored ext4 had the default features of the restoring system instead of its own",
    input: { type: "ext4", mkfs: { features: ["extent", "64bit"], ext }, on: GIB, shows: /-O \S+/ },
    right: "-O none,extent,64bit",
  },
  {
    report: "Thomas-Tsai/partclone#279",
    fault: "an ext4 with clusters larger than blocks crashed the cloning program",
    input: {
      type: "ext4",
      mkfs: { features: ["bigalloc", "extent"], ext: { ...ext, clusterBytes: 65_536 } },
      on: GIB,
      shows: /-C \d+/,
    },
    right: "-C 65536",
  },
  {
    report: "rear/rear#1998",
    fault: "mkfs.xfs refused the stripe of a disk that reported a unit but no width",
    input: {
      type: "xfs",
      mkfs: { features: [], xfs: { ...xfs, stripeUnitBytes: 32_768 } },
      on: GIB,
      shows: / -d /,
    },
    right: undefined,
  },
  {
    report: "rear/rear#1213",
    fault: "a restored XFS had lost its stripe, and did not mount with the options of its fstab",
    input: {
      type: "xfs",
      mkfs: { features: [], xfs: { ...xfs, stripeUnitBytes: 65_536, stripeWidthBytes: 262_144 } },
      on: 2 * GIB,
      shows: /-d \S+/,
    },
    right: "-d sunit=128,swidth=512",
  },
  {
    report: "rear/rear#1579",
    fault: "mkfs.xfs refused a log stripe of 0, which the file system itself reports",
    input: { type: "xfs", mkfs: { features: [], xfs }, on: GIB, shows: /-l \S+/ },
    right: "-l size=67108864",
  },
  {
    report: "fdupoux/fsarchiver#101",
    fault:
      "XFS features that the running mkfs.xfs turns on by itself were not those of the saved file system",
    input: { type: "xfs", mkfs: { features: [], xfs }, on: GIB, shows: /-m \S+/ },
    right: "-m crc=1,finobt=1,rmapbt=0,reflink=0,bigtime=0",
  },
  {
    report: "mkfs.xfs(8), -l size",
    fault: "logs of less than 64 MiB, which older programs made, are refused",
    input: {
      type: "xfs",
      mkfs: { features: [], xfs: { ...xfs, logBytes: 10 * MIB } },
      on: GIB,
      shows: / -l /,
    },
    right: undefined,
  },
  {
    report: "tianocore/edk2#12761",
    fault: "firmware did not read a FAT32 of 200 MiB on sectors of 4096 bytes, which has too few clusters",
    input: {
      type: "vfat",
      mkfs: { features: [], fatBits: 32, fat },
      on: 200 * MIB,
      sectorBytes: 4096,
      shows: /-F \d+ -S \d+ -s \d+/,
    },
    right: "-F 16 -S 4096 -s 1",
  },
  {
    report: "dosfstools/dosfstools#139",
    fault: "mkfs.vfat chose clusters of a size that left a FAT32 with too few",
    input: {
      type: "vfat",
      mkfs: { features: [], fatBits: 32, fat: { ...fat, sectorsPerCluster: 8, clusters: 131_000 } },
      on: 512 * MIB,
      sectorBytes: 4096,
      shows: /-F \d+ -S \d+ -s \d+/,
    },
    right: "-F 32 -S 4096 -s 1",
  },
  {
    report: "rear/rear#647",
    fault: "a FAT without a label was given the label NO NAME, and could no longer be made",
    input: { type: "vfat", mkfs: { features: [], fatBits: 32, fat }, on: 200 * MIB, shows: / -n / },
    right: undefined,
  },
]);

const part = (number: number, startSector: number, sectors: number): Partition => ({
  number,
  startSector,
  sectors,
  type: LINUX,
});
const table: DiskTable = {
  name: "sda",
  sizeBytes: 4 * GIB,
  sectorBytes: 512,
  table: "gpt",
  partitions: [part(1, 2048, 3 * GIB / 512)],
};

/** The variable part of sfdisk's input, or why there is none. */
function script(
  { of, on, least = 512 * MIB }: { of: Partial<DiskTable>; on: number; least?: number },
): string {
  const source = { ...table, ...of };
  const planned = planTable(source, {
    sizeBytes: on,
    sectorBytes: 512,
    growable: [{ number: 1, minimumBytes: least }],
  });
  if (!planned.fits) return planned.reason;
  const lines = sfdiskScript({ ...planned, table: "gpt" }).split("\n");
  return lines.filter((line) => !/^(label|unit|$)/.test(line)).map((line) => line.replace(/, type=[^,]*/, ""))
    .join("\n");
}

testReports(script, [
  {
    report: "util-linux/util-linux#3186",
    fault: "on a smaller disk, sfdisk refused its own dump because of its last sector",
    input: { of: { firstUsableSector: 34, lastUsableSector: 4 * GIB / 512 - 34 }, on: 2 * GIB },
    right: "first-lba: 34\n1 : start=2048, size=4190208",
  },
  {
    report: "util-linux/util-linux#830",
    fault: "a table with room for 8 partitions that begin early could not be rewritten",
    input: { of: { entries: 8, firstUsableSector: 4, partitions: [part(1, 64, 2048)] }, on: 4 * GIB },
    right: "table-length: 8\nfirst-lba: 4\n1 : start=64, size=2048",
  },
  {
    report: "stevenshiau/clonezilla#142",
    fault: "the last partition ended after the smaller disk's last usable sector",
    input: { of: {}, on: 2 * GIB, least: 3 * GIB },
    right: "the template's partitions do not fit, even with the last one made smaller.",
  },
  {
    report: "stevenshiau/clonezilla#92",
    fault: "clones had lost the attributes of their partitions",
    input: { of: { partitions: [{ ...part(1, 2048, 2048), attributes: "GUID:55" }] }, on: 4 * GIB },
    right: 'first-lba: 34\n1 : start=2048, size=2048, attrs="GUID:55"',
  },
  {
    report: "rear/rear#1563",
    fault: "the name 'EFI System Partition' ended at its first blank",
    input: { of: { partitions: [{ ...part(1, 2048, 2048), name: "EFI System Partition" }] }, on: 4 * GIB },
    right: 'first-lba: 34\n1 : start=2048, size=2048, name="EFI System Partition"',
  },
]);

/** Whether the clone's protective MBR is marked active. */
testReports((protectiveBoot?: boolean) => {
  const of = { ...table, ...(protectiveBoot !== undefined && { protectiveBoot }) };
  const planned = planTable(of, { sizeBytes: 4 * GIB, sectorBytes: 512, growable: [] });
  return planned.fits && planned.gpt?.protectiveBoot;
}, [
  {
    report: "rear/rear#2300",
    fault: "a laptop's BIOS did not start from a restored GPT, whose protective MBR had lost its mark",
    input: true,
    right: true,
  },
  {
    report: "mbusb/multibootusb#430",
    fault: "a machine's firmware found no ESP after its protective MBR had been marked",
    input: undefined,
    right: false,
  },
]);

/** The type of the table, or the error from reading it. */
testReports((json: string) => {
  try {
    return parseSfdisk(json).table;
  } catch (error) {
    return error instanceof RangeError || error instanceof RackseedError ? error.message : "another error";
  }
}, [
  {
    report: "util-linux/util-linux#555",
    fault: "the dump of a Sun label was written back as another table",
    input: '{"partitiontable":{"label":"sun","device":"/dev/ram0","unit":"sectors","partitions":[]}}',
    right: "a partition table of type sun",
  },
]);

testReports((text: string) => isTuned({ tuning: ["tune2fs", "-r", "1"] }, text), [
  {
    report: "tune2fs(8), -m",
    fault: "reserved blocks that were changed on the machine remain different from the template's",
    input:
      "Filesystem features: extent\nBlock size: 4096\nInode size: 256\nInode count: 8\nBlock count: 100\n",
    right: false,
  },
]);
