/** What makes a table or a file system what it is: made by the real tools, read, planned, carried out, compared. */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import type { Header } from "#contract/manifest.ts";
import { lacksToRebuild } from "../../agent/capture/lacks.ts";
import { readLayout } from "../../agent/capture/layout_read.ts";
import { MachineRestore } from "../../agent/install/machine_restore.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, headerOf, onlyThis, planFor } from "./template_disk.ts";

const missing = missingForDisks([
  ...["sfdisk", "mkfs.ext4", "tune2fs", "dumpe2fs", "debugfs", "mkfs.xfs", "xfs_db", "xfs_repair"],
  ...["mkfs.vfat", "fsck.vfat", "mkswap", "blkid"],
]);
if (missing) console.log(`tests of the properties of file systems are left out: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

interface Template {
  readonly table: string;
  readonly sizeBytes?: number;
  readonly sectorBytes?: 512 | 4096;
  /** By partition number: its type, where it is mounted, and how it was made; DEVICE stands for its device. */
  readonly systems: Readonly<Record<number, { type: string; at: string; made: readonly string[] }>>;
  /** After that. */
  readonly change?: (disk: LoopDisk) => Promise<unknown>;
}

async function makeTemplate(
  options: Template,
): Promise<{ header: Header; disk: LoopDisk; notes: readonly string[] }> {
  const { table, sizeBytes = GIB, sectorBytes = 512, systems, change } = options;
  const disk = await LoopDisk.make({ sizeBytes, sectorBytes });
  await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: table });
  await run(["partx", "--add", disk.device]);
  for (const [number, { made }] of Object.entries(systems)) {
    for (const command of made) {
      await run(["sh", "-ec", command.replaceAll("DEVICE", disk.partition(Number(number)))]);
    }
  }
  await change?.(disk);
  const mounts = Object.entries(systems).map(([number, { type, at }]) => ({
    source: disk.partition(Number(number)),
    target: at,
    ...{ type, options: "rw", sizeBytes: 0, usedBytes: 1 << 20, number: "", part: "/" },
  }));
  const { layout, notes } = await readLayout({ run: onlyThis(disk, "/"), diskTypes: ["loop"], mounts });
  const firmware = Object.values(systems).some(({ type }) => type === "vfat") ? "uefi" : "bios";
  return { header: headerOf(layout, firmware), disk, notes };
}

async function clone(
  header: Header,
  { onto, sizeBytes = GIB, sectorBytes = 512 }: {
    onto?: LoopDisk;
    sizeBytes?: number;
    sectorBytes?: number;
  },
): Promise<LoopDisk> {
  const disk = onto ?? await LoopDisk.make({ sizeBytes, sectorBytes });
  await carryOut(await planFor(header, disk));
  return disk;
}

const TABLE = `label: gpt
first-lba: 34
1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
3 : size=900M, type=L
5 : size=64M, type=S
`;

/** What changes from making to making, or holds counts of what is used. */
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

/** What `dumpe2fs -h` says. */
async function dumped(
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

/** What follows from the size of a file system. */
const SIZED = new RegExp(
  "^(Inode count|Block count|Reserved block count|Overhead.*|Free .*|Reserved GDT blocks|Inodes per group|" +
    "Inode blocks per group|Backup block groups|MMP block number|.* quota inode|Orphan file inode)$",
);
const JOURNAL = /^(Total journal (size|blocks)|Max transaction length)$/;

const exts: { name: string; type?: string; mkfs: string; tune?: string; change?: string }[] = [
  { name: "the defaults", mkfs: "" },
  { name: "no reserved blocks", mkfs: "-m 0" },
  { name: "reserved blocks for a user", mkfs: "", tune: "-r 12345 -u 1000 -g 1001" },
  { name: "errors that stop the machine, and checks", mkfs: "-e panic", tune: "-c 33 -i 7d" },
  { name: "errors that remount", mkfs: "-e remount-ro", tune: "-c 0 -i 12345s" },
  { name: "default mount options", mkfs: "", tune: "-o ^acl,journal_data_writeback,nobarrier,discard" },
  { name: "no default mount options", mkfs: "", tune: "-o ^acl,^user_xattr" },
  { name: "mount options as text", mkfs: "", tune: "-E mount_opts=nodelalloc" },
  { name: "stride and stripe width", mkfs: "-E stride=16,stripe-width=64" },
  { name: "a small journal", mkfs: "-J size=5" },
  { name: "a large journal with fast commits", mkfs: "-O fast_commit -J size=128,fast_commit_size=2048" },
  { name: "no journal", mkfs: "-O ^has_journal" },
  { name: "clusters", mkfs: "-O bigalloc -C 65536" },
  { name: "blocks of 1024 bytes and groups of another size", mkfs: "-b 1024 -g 4096 -I 128" },
  { name: "flexible groups of another size", mkfs: "-G 64" },
  { name: "backups of the superblock in one group", mkfs: "-O sparse_super2 -E num_backup_sb=1" },
  { name: "a limit of growth", mkfs: "-E resize=500000" },
  { name: "descriptors in each group", mkfs: "-O meta_bg,^resize_inode" },
  { name: "another hash of directories", mkfs: "", tune: "-E hash_alg=tea" },
  { name: "names without case", mkfs: "-O casefold -E encoding=utf8-12.1,encoding_flags=strict" },
  { name: "quotas of projects and users", mkfs: "-O quota,project -E quotatype=usrquota:prjquota" },
  { name: "many features", mkfs: "-O inline_data,ea_inode,large_dir,orphan_file,metadata_csum_seed,verity" },
  { name: "few inodes", mkfs: "-N 4096 -I 512" },
  { name: "a file system of ext2", type: "ext2", mkfs: "-O none -I 128" },
  { name: "a file system of ext3", type: "ext3", mkfs: "-i 65536" },
  { name: "a file system that one machine may use at a time", mkfs: "-O mmp -E mmp_update_interval=1" },
];
for (const { name, type = "ext4", mkfs, tune } of exts) {
  test(`ext with ${name} is the same on a disk of the same size, and keeps what has no size elsewhere`, async () => {
    const made = [
      `mke2fs -q -F -t ${type} -L root ${mkfs} DEVICE`,
      ...tune === undefined ? [] : [`tune2fs ${tune} DEVICE`],
    ];
    const { header, disk } = await makeTemplate({ table: TABLE, systems: { 3: { type, at: "/", made } } });
    await using _disk = disk;
    const wanted = await dumped(disk.partition(3));
    await using equal = await clone(header, { sizeBytes: GIB });
    assert.deepEqual(await dumped(equal.partition(3)), wanted);
    assert.deepEqual(await flags(equal.partition(3)), await flags(disk.partition(3)));
    const part = async (device: string) => {
      const { "Reserved block count": reserved, "Block count": blocks } = await dumped(device);
      return (Number(reserved) / Number(blocks)).toFixed(4);
    };
    // e2fsck waits with mmp whether another machine uses the file system
    for (const sizeBytes of mkfs.includes("mmp") ? [] : [2 * GIB, 640 << 20]) {
      await using other = await clone(header, { sizeBytes });
      const sizeless = { without: mkfs.includes("-J") ? [SIZED] : [SIZED, JOURNAL] };
      assert.deepEqual(await dumped(other.partition(3), sizeless), await dumped(disk.partition(3), sizeless));
      assert.equal(await part(other.partition(3)), await part(disk.partition(3)));
      await run(["e2fsck", "-fn", other.partition(3)]);
    }
  });
}

/** s_encoding and s_encoding_flags. */
async function flags(device: string): Promise<string> {
  return (await run(["sh", "-c", 'od -An -tx1 -j 1660 -N 4 "$0"', device])).stdout.trim();
}

const XFS_TABLE = TABLE.replace("size=900M", "size=800M");
const xfses: { name: string; mkfs: string }[] = [
  { name: "the defaults", mkfs: "" },
  {
    name: "features of an older kernel",
    mkfs: "-m finobt=0,rmapbt=0,reflink=0,bigtime=0,inobtcount=0 -i sparse=0",
  },
  { name: "features of a newer kernel", mkfs: "-m rmapbt=1,bigtime=1 -i nrext64=1" },
  { name: "version 4", mkfs: "-m crc=0 -n ftype=0" },
  { name: "names without case in ASCII", mkfs: "-n version=ci" },
  { name: "large inodes, few of them", mkfs: "-i size=1024,maxpct=7" },
  { name: "small blocks and large directory blocks", mkfs: "-b size=1024 -n size=16384" },
  { name: "sectors of 4096 bytes", mkfs: "-s size=4096" },
  { name: "a stripe", mkfs: "-d su=65536,sw=4" },
  { name: "a log of another size", mkfs: "-l size=96m" },
];
for (const { name, mkfs } of xfses) {
  test(`XFS with ${name} is the same on a disk of the same size, and keeps its properties on others`, async () => {
    const systems = { 3: { type: "xfs", at: "/", made: [`mkfs.xfs -q -f -L root ${mkfs} DEVICE`] } };
    const sizeBytes = 3 * GIB;
    const table = XFS_TABLE.replace("size=800M", "size=2900M");
    const { header, disk, notes } = await makeTemplate({ table, sizeBytes, systems });
    await using _disk = disk;
    assert.deepEqual(notes, []);
    const wanted = await superblock(disk.partition(3));
    {
      await using equal = await clone(header, { sizeBytes });
      assert.deepEqual(await superblock(equal.partition(3)), wanted);
    }
    for (const size of [4 * GIB, 2 * GIB]) {
      await using other = await clone(header, { sizeBytes: size });
      const found = await superblock(other.partition(3));
      for (const field of Object.keys(found).filter((f) => XFS_SIZED.has(f))) {
        found[field] = wanted[field] ?? "";
      }
      assert.deepEqual(found, wanted);
      await run(["xfs_repair", "-n", other.partition(3)]);
    }
    if (mkfs.includes("size=1024 ")) return;
    await using large = await clone(header, { sizeBytes: 4 * GIB, sectorBytes: 4096 });
    assert.equal((await superblock(large.partition(3)))["sectsize"], "4096");
  });
}

const XFS_SIZED = new Set([
  ...["dblocks", "agblocks", "agcount", "logstart", "agblklog", "fdblocks", "logblocks"],
]);

async function superblock(device: string): Promise<Record<string, string>> {
  const { stdout } = await run(["xfs_db", "-r", "-c", "sb 0", "-c", "p", device]);
  const fields = Object.fromEntries(stdout.split("\n").filter(Boolean).map((line) => line.split(" = ")));
  assert.equal(fields["magicnum"], "0x58465342");
  delete fields["crc"];
  return fields;
}

const ESP_TABLE = `label: gpt
1 : start=2048, size=ESPM, type=U
3 : size=600M, type=L
`;
const ROOT = { type: "ext4", at: "/", made: ["mke2fs -q -F -t ext4 -b 4096 DEVICE"] };

async function espTemplate(mkfs: string, { mebibytes }: { mebibytes: number }) {
  const esp = { type: "vfat", at: "/boot/efi", made: [`mkfs.vfat -n ESP ${mkfs} DEVICE`] };
  return await makeTemplate({
    sizeBytes: 2 * GIB,
    table: ESP_TABLE.replace("ESP", String(mebibytes)),
    systems: { 1: esp, 3: ROOT },
  });
}

/** What `fsck.vfat -nv` says, and that it complains of nothing. */
async function bootSector(device: string): Promise<string[]> {
  const { stdout, stderr } = await run(["fsck.vfat", "-nv", device]);
  assert(!/warning|less than/i.test(stdout + stderr), stdout + stderr);
  const identity = await run(["blkid", "-p", "-o", "export", device]);
  return [...stdout.split("\n"), ...identity.stdout.split("\n")].filter((line) =>
    !/^(DEVNAME|PART_ENTRY|.*: \d+ files)/.test(line)
  ).map((line) => line.replaceAll(device, "DEVICE"));
}

const fats = [
  { name: "the defaults", mkfs: "", mebibytes: 100 },
  { name: "FAT32 and one FAT", mkfs: "-F 32 -f 1 -s 2 -R 64 -i 1234ABCD", mebibytes: 200 },
  { name: "FAT16 with many entries in its root", mkfs: "-F 16 -s 8 -r 1024 -M 0xf0", mebibytes: 100 },
  { name: "FAT12", mkfs: "-F 12 -s 16", mebibytes: 16 },
  { name: "sectors of 4096 bytes on a disk with smaller ones", mkfs: "-F 32 -S 4096", mebibytes: 300 },
  { name: "hidden sectors and another copy of the boot sector", mkfs: "-F 32 -h 63 -b 7", mebibytes: 100 },
];
for (const { name, mkfs, mebibytes } of fats) {
  test(`FAT with ${name} is the same on a disk of the same kind`, async () => {
    const { header, disk, notes } = await espTemplate(mkfs, { mebibytes });
    await using _disk = disk;
    assert.deepEqual(notes, []);
    await using equal = await clone(header, { sizeBytes: 2 * GIB });
    assert.deepEqual(await bootSector(equal.partition(1)), await bootSector(disk.partition(1)));
  });
}

const narrow = [
  { name: "FAT32 of 100 MiB becomes FAT16", mkfs: "-F 32", mebibytes: 100, width: "FAT16" },
  { name: "FAT32 of 512 MiB stays", mkfs: "-F 32", mebibytes: 512, width: "FAT32" },
  { name: "FAT16 of 10 MiB becomes FAT12", mkfs: "-F 16", mebibytes: 10, width: "FAT12" },
];
for (const { name, mkfs, mebibytes, width } of narrow) {
  test(`an ESP on a disk of 4096-byte sectors has a FAT that its clusters fit: ${name}`, async () => {
    const { header, disk } = await espTemplate(mkfs, { mebibytes });
    await using _disk = disk;
    await using other = await clone(header, { sizeBytes: 2 * GIB, sectorBytes: 4096 });
    const found = await bootSector(other.partition(1));
    assert(found.includes(`VERSION=${width}`) && found.some((l) => /4096 bytes per logical sector/.test(l)));
    const uuid = (await bootSector(disk.partition(1))).find((line) => line.startsWith("UUID="));
    assert(uuid && found.includes(uuid) && found.includes("LABEL=ESP"));
  });
}

test("an ESP that says FAT32, with too few clusters for it on the template itself, is made with another width", async () => {
  const { header, disk } = await espTemplate("-F 32 -s 8", { mebibytes: 33 });
  await using _disk = disk;
  await using other = await clone(header, { sizeBytes: 2 * GIB });
  const found = await bootSector(other.partition(1));
  assert(found.includes("VERSION=FAT32") && found.includes("       512 bytes per cluster"), found.join("\n"));
});

/** What `sfdisk -d` says but for the device, and the protective MBR's own entry. */
async function tableOf({ device }: LoopDisk): Promise<{ lines: string[]; protective: string }> {
  const { stdout } = await run(["sfdisk", "-d", device]);
  const protective = (await run(["sh", "-c", 'od -An -tx1 -j 446 -N 1 "$0"', device])).stdout.trim();
  return { lines: stdout.replaceAll(device, "DEVICE").split("\n"), protective };
}

const ROOT_LINES =
  "1 : start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649\n3 : size=600M, type=L";
const gpts: { name: string; table: string; change?: (disk: LoopDisk) => Promise<unknown> }[] = [
  { name: "room for 256 partitions", table: "label: gpt\ntable-length: 256\nfirst-lba: 2048" },
  { name: "room for four partitions", table: "label: gpt\ntable-length: 4\nfirst-lba: 3" },
  { name: "room left at both ends", table: "label: gpt\nfirst-lba: 1000\nlast-lba: 1500000" },
  {
    name: "a protective MBR that is active",
    table: "label: gpt",
    change: (disk) => run(["sfdisk", "--no-reread", "--no-tell-kernel", "--activate", disk.device, "1"]),
  },
  {
    name: "attributes, names and numbers of all kinds",
    table: "label: gpt\n" +
      '7 : start=1400000, size=2048, name="a\\x22b, \u00e9\u65e5 \\x5c \\x24", ' +
      'attrs="RequiredPartition NoBlockIOProtocol LegacyBIOSBootable GUID:48,63"\n' +
      "128 : start=1390000, size=4096",
  },
];
for (const { name, table, change } of gpts) {
  test(`a GPT with ${name} is the same on a disk of the same size`, async () => {
    const [head, ...lines] = table.split("\n7 : ");
    const script = `${head}\n\n${ROOT_LINES}\n${lines.length > 0 ? `7 : ${lines.join("")}\n` : ""}`;
    const { header, disk } = await makeTemplate({
      table: script,
      systems: { 3: ROOT },
      ...(change && { change }),
    });
    await using _disk = disk;
    await using equal = await clone(header, { sizeBytes: GIB });
    assert.deepEqual(await tableOf(equal), await tableOf(disk));
    await run(["sfdisk", "--verify", equal.device]);
    for (const sectorBytes of [512, 4096]) {
      await using larger = await clone(header, { sizeBytes: 2 * GIB, sectorBytes });
      assert.equal((await tableOf(larger)).protective, (await tableOf(disk)).protective);
      await run(["sfdisk", "--verify", larger.device]);
    }
  });
}

const MBR_LINES = "1 : start=2048, size=600M, type=83, bootable";
const mbrs = [
  { name: "an extended partition of each type", lines: ["2 : size=100M, type=f", "5 : size=10M, type=82"] },
  {
    name: "an extended partition of Linux",
    lines: ["4 : size=100M, type=85", "5 : size=10M", "6 : size=10M"],
  },
  {
    name: "logical partitions not in the order of their places",
    lines: [
      "2 : start=1300000, size=300M, type=5",
      "5 : start=1600000, size=1M",
      "6 : start=1400000, size=1M",
    ],
  },
  {
    name: "partitions not in the order of their places",
    lines: ["4 : start=1400000, size=10M, type=c, bootable"],
  },
];
for (const { name, lines } of mbrs) {
  test(`an MBR with ${name} is the same on a disk of the same size`, async () => {
    const table = ["label: dos", "label-id: 0xdeadbeef", "", MBR_LINES, ...lines].join("\n") + "\n";
    const { header, disk } = await makeTemplate({ table, systems: { 1: ROOT } });
    await using _disk = disk;
    await using equal = await clone(header, { sizeBytes: GIB });
    assert.deepEqual(await tableOf(equal), await tableOf(disk));
  });
}

/** The first and last MiB: what a table or a file system would change. */
async function ends(device: string): Promise<string> {
  return (await run(["sh", "-c", 'head -c 1M "$0" | sha256sum; tail -c 1M "$0" | sha256sum', device])).stdout;
}

type Change = (header: Header) => void;
const rootOf = ({ layout }: Header) => layout?.fileSystems.find(({ mountPoint }) => mountPoint === "/");
const refusals: { name: string; table?: string; change: Change; says: RegExp }[] = [
  {
    name: "a feature that mke2fs does not know",
    change: (header) => rootOf(header)?.mkfs.features.push("compression"),
    says: /cannot make \/ \(ext4\) of web@1 on this disk; nothing was written.*Invalid filesystem option/,
  },
  {
    name: "more inodes than there is room for",
    change: (header) => {
      const root = rootOf(header);
      if (root) root.mkfs.inodes = 2 ** 31;
    },
    says: /too big for a\s+filesystem/,
  },
  {
    name: "an XFS of a size that mkfs.xfs does not make",
    table: TABLE.replace("size=900M", "size=250M"),
    change: (header) => {
      const root = rootOf(header);
      if (root) Object.assign(root, { type: "xfs", mkfs: { features: [] } });
    },
    says: /Filesystem must be larger than 300MB/,
  },
  {
    name: "partitions that overlap",
    change: (header) => {
      const partition = header.layout?.disks[0]?.partitions.find((p) => p.number === 5);
      if (partition) partition.startSector -= 2048;
    },
    says: /cannot make the partition table of web@1.*sfdisk/,
  },
];
for (const { name, table = TABLE, change, says } of refusals) {
  test(`what the image's programs refuse is known before the disk is touched: ${name}`, async () => {
    const { header, disk: source } = await makeTemplate({ table, systems: { 3: ROOT } });
    await using _source = source;
    change(header);
    await using disk = await LoopDisk.make({ sizeBytes: GIB });
    await run(["mkfs.ext4", "-q", "-F", disk.device]);
    const before = await ends(disk.device);
    await assert.rejects(
      clone(header, { onto: disk }),
      (error) => error instanceof RackseedError && says.test(`${error.title}: ${error.reason}`),
    );
    assert.equal(await ends(disk.device), before);
  });
}

const told: { name: string; template: Template; note?: RegExp; lack?: RegExp }[] = [
  {
    name: "a journal on another device",
    template: {
      table: TABLE,
      systems: {
        3: {
          type: "ext4",
          at: "/",
          made: ["mke2fs -q -F -b 4096 -O journal_dev $(echo DEVICE | sed s/3$/5/)"].concat(
            "mke2fs -q -F -b 4096 -t ext4 -J device=$(echo DEVICE | sed s/3$/5/) DEVICE",
          ),
        },
      },
    },
    lack: /\/ \(ext4\): its journal lies on another device/,
  },
  {
    name: "a log of XFS on another device",
    template: {
      table: TABLE.replace("size=64M", "size=100M").replace("size=900M", "size=800M"),
      systems: {
        3: {
          type: "xfs",
          at: "/",
          made: ["mkfs.xfs -q -f -l size=90m,logdev=$(echo DEVICE | sed s/3$/5/) DEVICE"],
        },
      },
    },
    lack: /\/ \(xfs\): its log lies on another device/,
  },
  {
    name: "quotas",
    template: {
      table: TABLE,
      systems: { 3: { ...ROOT, made: ["mke2fs -q -F -t ext4 -O quota DEVICE"] } },
    },
    note: /\/ \(ext4\): usage is counted afresh.*limits of its disk quotas/,
  },
  {
    name: "encrypted directories",
    template: {
      table: TABLE,
      systems: { 3: { ...ROOT, made: ["mke2fs -q -F -t ext4 -O encrypt,verity DEVICE"] } },
    },
    note: /encrypted there come out in the clear/,
  },
  {
    name: "mount options that tune2fs cannot write",
    template: {
      table: TABLE,
      systems: {
        3: {
          ...ROOT,
          made: [
            ...ROOT.made,
            `debugfs -w -R 'set_super_value mount_opts "nobarrier,data=writeback"' DEVICE`,
          ],
        },
      },
    },
    note: /mount options in its superblock \(nobarrier,data=writeback\)/,
  },
  {
    name: "a label in the boot sector of its own",
    template: {
      table: ESP_TABLE.replace("ESP", "100"),
      systems: {
        1: {
          type: "vfat",
          at: "/boot/efi",
          made: ["mkfs.vfat -F 32 -n ESP DEVICE", "mlabel -i DEVICE ::OTHER"].concat(
            "printf 'FORMER     ' | dd of=DEVICE bs=1 seek=71 conv=notrunc 2>&1",
          ),
        },
        3: ROOT,
      },
    },
    note: /its boot sector has the label 'FORMER'.*OTHER/,
  },
  {
    name: "a hybrid MBR",
    template: {
      table: TABLE,
      systems: { 3: ROOT },
      change: async ({ device }) => {
        using disk = await Deno.open(device, { write: true });
        await disk.seek(446 + 16 + 4, Deno.SeekMode.Start);
        await disk.write(new Uint8Array([0x83]));
      },
    },
    note: /its MBR is a hybrid one/,
  },
];
for (const { name, template, note, lack } of told) {
  test(`what a clone will not have is told at capture: ${name}`, async () => {
    const { header, disk, notes } = await makeTemplate(template);
    await using _disk = disk;
    if (note) assert.match(notes.join("; "), note);
    if (!lack) return;
    const { source, layout } = header;
    assert(source && layout);
    const presence = { programs: new Set<string>(), paths: new Set<string>() };
    const lacks = lacksToRebuild({ layout, unseen: [], notes }, { source, presence });
    assert(lacks.some((l) => lack.test(l)), lacks.join("; "));
    await using other = await LoopDisk.make({ sizeBytes: 2 * GIB });
    await assert.rejects(clone(header, { onto: other }), /cannot be made again|cannot install web@1/);
  });
}

const labels = [
  { name: "a Sun label", start: 32_130, says: /its partition table is of the type sun/ },
  {
    name: "a label under its first partition",
    start: 0,
    says: /does not find the partition loop\d+p1 in its/,
  },
];
for (const { name, start, says } of labels) {
  test(`a disk with ${name} is described at capture, and refused in the plan`, async () => {
    const table = `label: sun\n1 : start=${start}, size=500M, type=83\n`;
    const { header, disk } = await makeTemplate({ table, systems: { 1: ROOT } });
    await using _disk = disk;
    assert.match(header.layout?.disks[0]?.obstacle ?? "", says);
    await using other = await LoopDisk.make({ sizeBytes: 2 * GIB });
    await assert.rejects(
      clone(header, { onto: other }),
      (error) => error instanceof RackseedError && says.test(error.reason),
    );
  });
}

test("a restore sets again what was changed on the machine, and believes files as before", async () => {
  const systems = { 3: { ...ROOT, made: [...ROOT.made, "tune2fs -m 0 -e remount-ro DEVICE"] } };
  const marked = (disk: LoopDisk) =>
    run(["sfdisk", "--no-reread", "--no-tell-kernel", "--activate", disk.device, "1"]);
  const { header, disk: source } = await makeTemplate({ table: TABLE, systems, change: marked });
  await using _source = source;
  await using disk = await LoopDisk.make({ sizeBytes: GIB });
  const plan = await planFor(header, disk);
  const target = await carryOut(plan);
  const restore = ({ dryRun = false } = {}) =>
    new MachineRestore({
      order: {
        node: "n1",
        manifest: { id: "a".repeat(64), signature: "", publicKey: "", header: "" },
        restore: { keep: [], dryRun, nodes: 1 },
      },
      ...{ plan, layout: undefined, run },
    });
  assert.equal(await restore().assess(target), "the disk's layout is the planned one");
  const wanted = await dumped(disk.partition(3));
  await run(["tune2fs", "-m", "5", "-e", "continue", "-o", "discard", disk.partition(3)]);
  assert.match(
    await restore({ dryRun: true }).assess(target),
    /^\/ would get the template's reserved blocks/,
  );
  assert.notDeepEqual(await dumped(disk.partition(3)), wanted, "a dry run sets nothing");
  const real = restore();
  await real.assess(target);
  assert.match(await real.mend(target, () => {}), /^\/ got the template's reserved blocks/);
  const comparison = real.comparison();
  assert(comparison?.why === "restores" && comparison.believes);
  assert.deepEqual(await dumped(disk.partition(3)), wanted);
  await run(["sfdisk", "--no-reread", "--no-tell-kernel", "--activate", disk.device, "-"]);
  const lost = restore();
  assert.match(await lost.assess(target), /partition table is written again/);
  await lost.mend(target, () => {});
  assert.deepEqual(await tableOf(disk), await tableOf(source));
});
