/** Properties of tables and file systems: made by the real tools, read, planned, recreated and compared. */
import assert from "node:assert/strict";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk } from "./loop_disk.ts";
import {
  clone,
  dumped,
  ESP_TABLE,
  JOURNAL,
  makeTemplate,
  missingForProperties,
  ROOT,
  SIZED,
  TABLE,
  tableOf,
} from "./properties_template.ts";
import { GIB } from "./template_disk.ts";

if (missingForProperties) console.log(`skipped: properties: ${missingForProperties}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missingForProperties !== undefined });

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
  test(`ext with ${name} is the same on a disk of the same size, and keeps properties independent of size on others`, async () => {
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
    // With mmp, e2fsck waits to see whether another machine uses the file system.
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

async function espTemplate(mkfs: string, { mebibytes }: { mebibytes: number }) {
  const esp = { type: "vfat", at: "/boot/efi", made: [`mkfs.vfat -n ESP ${mkfs} DEVICE`] };
  return await makeTemplate({
    sizeBytes: 2 * GIB,
    table: ESP_TABLE.replace("ESP", String(mebibytes)),
    systems: { 1: esp, 3: ROOT },
  });
}

/** The output of `fsck.vfat -nv`, which must not complain. */
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
  test(`an ESP on a disk of 4096-byte sectors has a FAT that suits its number of clusters: ${name}`, async () => {
    const { header, disk } = await espTemplate(mkfs, { mebibytes });
    await using _disk = disk;
    await using other = await clone(header, { sizeBytes: 2 * GIB, sectorBytes: 4096 });
    const found = await bootSector(other.partition(1));
    assert(found.includes(`VERSION=${width}`) && found.some((l) => /4096 bytes per logical sector/.test(l)));
    const uuid = (await bootSector(disk.partition(1))).find((line) => line.startsWith("UUID="));
    assert(uuid && found.includes(uuid) && found.includes("LABEL=ESP"));
  });
}

test("an ESP that claims FAT32 with too few clusters on the template is made with another FAT type", async () => {
  const { header, disk } = await espTemplate("-F 32 -s 8", { mebibytes: 33 });
  await using _disk = disk;
  await using other = await clone(header, { sizeBytes: 2 * GIB });
  const found = await bootSector(other.partition(1));
  assert(found.includes("VERSION=FAT32") && found.includes("       512 bytes per cluster"), found.join("\n"));
});

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
