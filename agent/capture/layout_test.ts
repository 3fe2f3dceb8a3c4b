import assert from "node:assert/strict";
import { SOURCE } from "#contract/format/testing/samples.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import type { Run } from "../sys/command.ts";
import { parseMountTable } from "../sys/mount_table.ts";
import { obstaclesToBoot, type Presence, refusalsOf } from "./bootability.ts";
import { parseLsblk } from "../layout/block_devices.ts";
import { readLayout } from "../layout/read_layout.ts";
import { parseBlkid, parseSfdisk } from "../layout/partition_table.ts";
import { parseDumpe2fs } from "../layout/properties/ext.ts";
import { newestFirst, parseOsRelease } from "./machine.ts";

const fixture = (name: string) => Deno.readTextFileSync(new URL(`./fixtures/${name}`, import.meta.url));

Deno.test("lsblk's tree becomes devices with links to those below them", () => {
  const devices = parseLsblk(fixture("loop_lsblk.json"));
  assert.deepEqual(devices.map((d) => [d.name, d.type, d.number, d.below]), [
    ["loop0", "loop", "7:0", []],
    ["loop0p1", "part", "259:0", ["loop0"]],
    ["loop0p2", "part", "259:1", ["loop0"]],
    ["loop0p3", "part", "259:2", ["loop0"]],
    ["loop0p5", "part", "259:3", ["loop0"]],
  ]);
  assert(parseLsblk(fixture("host_lsblk.json")).some((d) => d.name === "vda" && d.type === "disk"));
});

Deno.test("numbers and flags that older programs print as strings are parsed", () => {
  const json = '{"blockdevices":[{"name":"sdb","kname":"sdb","maj:min":"8:16","type":"disk","size":"1000",' +
    '"log-sec":"512","rm":"1","tran":"usb"}]}';
  const [device] = parseLsblk(json);
  assert.deepEqual({ size: device?.sizeBytes, foreign: device?.foreign }, { size: 1000, foreign: true });
});

Deno.test("sfdisk's table keeps numbers, types, UUIDs, names and attributes", () => {
  const { table, id, partitions } = parseSfdisk(fixture("loop_sfdisk.json"));
  assert.equal(table, "gpt");
  assert.equal(id, "1F0C1A51-7C1B-4B3A-9B55-0123456789AB");
  assert.deepEqual(partitions.map((p) => p.number), [1, 2, 3, 5]);
  assert.equal(partitions[1]?.name, 'EFI "x"');
  assert.equal(partitions[2]?.attributes, "LegacyBIOSBootable GUID:60");
  const mbr = parseSfdisk(fixture("mbr_sfdisk.json"));
  assert.deepEqual(mbr.partitions.map((p) => [p.number, p.type, p.bootable]), [
    [1, "83", true],
    [2, "5", undefined],
    [5, "83", undefined],
    [6, "82", undefined],
  ]);
});

Deno.test("a table that is neither GPT nor MBR is refused", () => {
  const json = '{"partitiontable":{"label":"sun","device":"/dev/sda","unit":"sectors","partitions":[]}}';
  assert.throws(() => parseSfdisk(json), /table of type sun/);
});

Deno.test("blkid's values lose the backslashes that quote them", () => {
  const facts = parseBlkid(fixture("loop_blkid_2.txt"));
  assert.equal(facts.get("UUID"), "D914-3B5F");
  assert.equal(facts.get("PART_ENTRY_NAME"), 'EFI "x"');
});

Deno.test("dumpe2fs yields the features for mke2fs, without the states of a mounted file system", () => {
  const ext = parseDumpe2fs(fixture("loop_dumpe2fs.txt"));
  assert(ext.features.includes("metadata_csum") && !ext.features.includes("needs_recovery"));
  assert.deepEqual([ext.blockBytes, ext.inodeBytes, ext.inodes], [4096, 256, 51296]);
  assert.throws(() => parseDumpe2fs("dumpe2fs: Bad magic number"), /prints no "Filesystem features"/);
});

const mounts = parseMountTable(Buffer.from("27 1 259:2 / / rw,relatime - ext4 /dev/loop0p3 rw\n"));

const recorded: Run = (argv) => {
  const [program, ...args] = argv;
  const answer = (stdout: string) => Promise.resolve({ code: 0, stdout, stderr: "" });
  switch (program) {
    case "lsblk":
      return answer(fixture("loop_lsblk.json"));
    case "sfdisk":
      return answer(fixture("loop_sfdisk.json"));
    case "dumpe2fs":
      return answer(fixture("loop_dumpe2fs.txt"));
    case "blkid": {
      const number = /loop0p(\d)$/.exec(args.at(-1) ?? "")?.[1];
      if (number === undefined) return answer("PTTYPE=gpt\n");
      return number === "1" ? answer("") : answer(fixture(`loop_blkid_${number}.txt`));
    }
    default:
      throw new Error(`unexpected ${argv.join(" ")}`);
  }
};

const recordedMachine = {
  run: recorded,
  mounts,
  diskTypes: ["loop"],
  readStart: (_path: string, bytes: number) => Promise.resolve(new Uint8Array(bytes)),
};

Deno.test("a machine's whole layout is read from recorded answers", async () => {
  const { layout, mountPoints, unseen } = await readLayout(recordedMachine);
  assert.deepEqual(mountPoints, [{ path: "", id: 27, device: "/dev/loop0p3" }]);
  assert.equal(layout.disks[0]?.table, "gpt");
  assert.deepEqual(layout.fileSystems.map((f) => [f.volume, f.type, f.label, f.mountPoint]), [
    [{ kind: "partition", disk: 0, number: 3 }, "ext4", "rootfs", "/"],
  ]);
  assert.deepEqual(layout.swap, [{
    volume: { kind: "partition", disk: 0, number: 5 },
    uuid: "3d90171e-fcfc-4a63-80af-cb235194214d",
    label: "swp",
  }]);
  assert.deepEqual(unseen, [{
    volume: { kind: "partition", disk: 0, number: 2 },
    type: "vfat",
    because: "unmounted",
  }]);
});

Deno.test("mounts on loop devices and removable disks are not part of the machine", async () => {
  const { layout, mountPoints } = await readLayout({ run: recorded, mounts });
  assert.deepEqual({ disks: layout.disks, mountPoints }, { disks: [], mountPoints: [] });
});

Deno.test("a root that is only part of its file system is reported as an obstacle", async () => {
  const line = "27 1 259:2 /ostree/deploy/x / rw,relatime - ext4 /dev/loop0p3 rw\n";
  const machine = await readLayout({ ...recordedMachine, mounts: parseMountTable(Buffer.from(line)) });
  assert.equal(machine.layout.fileSystems[0]?.mountPoint, "/");
  const obstacles = obstaclesToBoot(machine, { source: SOURCE, presence: all });
  assert(
    obstacles.some((one) => one.startsWith("only /ostree/deploy/x of its file system")),
    obstacles.join("\n"),
  );
});

const unseenBecause: [line: string, obstacle: RegExp][] = [
  ["28 27 259:1 / /win rw - fuseblk /dev/loop0p2 rw", /mounted by a program \(FUSE\)/],
  [
    "28 27 259:1 / / rw - vfat /dev/loop0p2 rw\n29 27 259:1 / / rw - ext4 /dev/loop0p3 rw",
    /hidden by another file system/,
  ],
  ["", /is not mounted, so clones get it empty: mount it/],
];
for (const [line, obstacle] of unseenBecause) {
  Deno.test(`an unseen partition is reported with its cause and remedy: ${obstacle.source}`, async () => {
    const table = `27 1 259:2 / / rw - ext4 /dev/loop0p3 rw\n${line}\n`;
    const machine = await readLayout({ ...recordedMachine, mounts: parseMountTable(Buffer.from(table)) });
    const obstacles = obstaclesToBoot(machine, { source: SOURCE, presence: all });
    assert(obstacles.some((text) => obstacle.test(text)), obstacles.join("\n"));
  });
}

const all: Presence = {
  programs: new Set(
    ("sfdisk lsblk partx wipefs blkid modprobe mount ip chroot sh mkfs.ext4 tune2fs e2fsck mkfs.vfat mkfs.xfs mkswap " +
      "grub-install efibootmgr").split(" "),
  ),
  paths: new Set(["/boot/vmlinuz-6.1.0-9-amd64", "/usr/lib/grub/i386-pc/kernel.img"]),
};

Deno.test("a missing program is reported with the package that provides it", async () => {
  const read = await readLayout(recordedMachine);
  const machine = { ...read, layout: { ...read.layout, boot: GRUB_ONLY }, unseen: [] };
  assert.deepEqual(obstaclesToBoot(machine, { source: SOURCE, presence: all }), []);
  const without = (...names: string[]): Presence => ({
    programs: new Set([...all.programs].filter((p) => !names.includes(p))),
    paths: new Set(),
  });
  const obstacles = obstaclesToBoot(machine, {
    source: SOURCE,
    presence: without("sfdisk", "mkfs.ext4", "mkswap"),
  });
  for (const part of ["fdisk", "e2fsprogs", "util-linux", "linux-image-amd64", "grub-pc"]) {
    assert(obstacles.some((one) => one.includes(part)), `${part} in ${obstacles.join("\n")}`);
  }
});

Deno.test("a volume that nothing mounts is told, but only what makes every clone impossible is refused", async () => {
  const machine = await readLayout(recordedMachine);
  const layout = { ...machine.layout, boot: GRUB_ONLY }, terms = { source: SOURCE, presence: all };
  assert.match(obstaclesToBoot({ ...machine, layout }, terms).join(), /is not mounted/);
  assert.deepEqual(refusalsOf(layout, terms), []);
  const bare = { programs: all.programs, paths: new Set<string>() };
  assert.match(
    refusalsOf(layout, { source: SOURCE, presence: bare }).join("\n"),
    /no image in \/boot[^]*GRUB for BIOS/,
  );
});

Deno.test("os-release values are read quoted and bare", () => {
  const release = parseOsRelease(`ID=debian\nVERSION_ID="12"\nPRETTY_NAME='A \\ B'\nNAME="say \\"hi\\""\n`);
  assert.deepEqual(Object.fromEntries(release), {
    ID: "debian",
    VERSION_ID: "12",
    PRETTY_NAME: "A \\ B",
    NAME: 'say "hi"',
  });
});

Deno.test("kernels are sorted by number, not by letter", () => {
  assert.deepEqual(newestFirst(["6.1.0-9-amd64", "6.1.0-18-amd64", "5.10.0-30-amd64"]), [
    "6.1.0-18-amd64",
    "6.1.0-9-amd64",
    "5.10.0-30-amd64",
  ]);
});
