/** A btrfs with subvolumes: read, captured, made again on other disks, filled, and restored. Real loop devices. */
import { headerWith } from "#contract/format/testing/samples.ts";
import assert from "node:assert/strict";
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Plan } from "#plan/actions.ts";
import { mountsOf } from "#plan/plan_btrfs.ts";
import { formatFileSystem } from "#plan/plan_format.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { mountTree } from "../../agent/install/disk/partition.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { Template } from "../oddities/carried_tree.ts";
import { BtrfsMachine, described } from "./btrfs_machine.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, planFor } from "./template_disk.ts";

const missing = missingForDisks([
  "mkfs.btrfs",
  "btrfs",
  "sfdisk",
  "lsblk",
  "blkid",
  "filefrag",
  "getfattr",
  "lsattr",
]);
if (missing) console.log(`skipped: btrfs: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

/** Like Ubuntu's, with snapshots, properties and flags. */
const UBUNTU = `
mkfs.btrfs -q -L root --csum xxhash -O no-holes $DEVICE
mount -o subvolid=5 $DEVICE $TOP
for name in @ @home @snapshots @old; do btrfs -q subvolume create $TOP/$name; done
mkdir -p $TOP/@/{home,.snapshots,var/lib,etc,srv}
btrfs -q subvolume create $TOP/@/var/lib/machines
echo one > $TOP/@/etc/version; setfattr -n user.note -v x $TOP/@/etc/version; chmod 6755 $TOP/@/etc/version
ln $TOP/@/etc/version $TOP/@/etc/link
mkdir $TOP/@/srv/{zstd,plain,nocow}; chattr +C $TOP/@/srv/nocow
btrfs property set $TOP/@/srv/zstd compression zstd
yes compressible | head -c 9000000 > $TOP/@/srv/zstd/large; yes x | head -c 200000 > $TOP/@/srv/zstd/small
yes compressible | head -c 9000000 > $TOP/@/srv/nocow/disk; cp --reflink=never $TOP/@/srv/nocow/disk $TOP/@/srv/nocow/lost
touch $TOP/@/srv/lzo; btrfs property set $TOP/@/srv/lzo compression lzo; yes lzo | head -c 300000 > $TOP/@/srv/lzo
chattr +i $TOP/@/srv/lzo
touch $TOP/@/srv/zstd/not; btrfs property set $TOP/@/srv/zstd/not compression none; yes x | head -c 200000 > $TOP/@/srv/zstd/not
mv $TOP/@/srv/zstd/not $TOP/@/srv/plain/; head -c 100000 /dev/zero > $TOP/@/srv/nocow/other
cp -r --preserve=mode $TOP/@/etc $TOP/@home/user; echo hidden > $TOP/@old/file
btrfs -q subvolume snapshot -r $TOP/@ $TOP/@snapshots/1; echo two > $TOP/@/etc/version
btrfs -q subvolume snapshot $TOP/@home $TOP/@snapshots/home
btrfs -q subvolume set-default $TOP/@
umount $TOP
mount -o subvol=@,compress=zstd:1 $DEVICE $ROOT
mount -o subvol=@home $DEVICE $ROOT/home; mount -o subvol=@snapshots $DEVICE $ROOT/.snapshots
`;

/**
 * Without what is not mounted or is mounted over; what stands for a subvolume in a snapshot of its parent, which has another time whenever
 * it is looked at.
 */
const OWN = { without: "@old|@snapshots/1/var/lib/machines|^\\./@/(home|.snapshots) d" };

test("the properties of a btrfs, its subvolumes and their mounts are read", async () => {
  await using machine = await BtrfsMachine.make({ made: UBUNTU });
  const { layout, fileSystem, notes, mountPoints } = await machine.read();
  assert.equal(layout.fileSystems.length, 1);
  assert.equal(fileSystem.mountPoint, "/");
  assert.equal(fileSystem.label, "root");
  assert.equal(fileSystem.obstacle, undefined);
  const { subvolumes, ...properties } = fileSystem.mkfs.btrfs as BtrfsProperties;
  assert.deepEqual(properties, {
    nodeBytes: 16_384,
    sectorBytes: 4096,
    checksum: "xxhash",
    features: ["extref", "skinny-metadata", "no-holes", "free-space-tree"],
    disabled: ["mixed-bg"],
    runtime: ["free-space-tree"],
    dataProfile: "single",
    metadataProfile: "dup",
    defaultSubvolume: "@",
    mountedSubvolume: "@",
  });
  assert.deepEqual(
    subvolumes.map(({ path, mountPoint, readOnly, snapshotOf }) => [path, mountPoint, readOnly, snapshotOf]),
    [
      ["@", undefined, false, undefined],
      ["@home", "/home", false, undefined],
      ["@old", undefined, false, undefined],
      ["@snapshots", "/.snapshots", false, undefined],
      ["@snapshots/1", undefined, true, "@"],
      ["@snapshots/home", undefined, false, "@home"],
      ["@/var/lib/machines", undefined, false, undefined],
    ],
  );
  assert.deepEqual(mountPoints.map(({ path }) => path), ["", "home", ".snapshots"]);
  assert.deepEqual(notes, [
    "/ (btrfs): 2 of its subvolumes are snapshots (@snapshots/1, @snapshots/home): clones hold their files in full, " +
    "since a clone's snapshots share nothing with their origin",
    "/ (btrfs): not mounted: @old; clones get these subvolumes empty: mount them to capture their content",
  ]);
});

test("a clone of a btrfs has its subvolumes, snapshots, properties and flags, and a restore brings them back", async () => {
  const machine = await BtrfsMachine.make({ made: UBUNTU });
  const { layout, mountPoints } = await machine.read();
  await using template = new Template(await Deno.makeTempDir());
  const manifest = await template.capture(machine.root, { mountPoints, layout });
  assert.deepEqual(manifest.header.notes, []);
  const wanted = await described(machine.disks[0]?.partition(1) ?? "", OWN);
  await using disk = await LoopDisk.make({ sizeBytes: 700 << 20 });
  const plan = await planFor(headerWith(layout), disk);
  await assert.rejects(carryOut(plan), /nothing was written.*holds a btrfs with the UUID of the image's \//);
  await machine[Symbol.asyncDispose]();
  const target = await carryOut(plan);
  const at = await Deno.makeTempDir(), device = disk.partition(1);
  {
    await using _mounts = await mountTree(target, { plan, at });
    await template.install(manifest, at);
  }
  assert.deepEqual(template.notes, []);
  const found = () => described(device, OWN);
  assert.equal(await found(), wanted);
  await run(["btrfs", "check", "--readonly", device]);
  await onTop(device, async (top) => {
    for (
      const [file, isEncoded] of [["srv/zstd/large", true], ["srv/lzo", true], [
        "srv/nocow/disk",
        false,
      ]] as const
    ) {
      const { stdout } = await run(["filefrag", "-v", `${top}/@/${file}`]);
      assert.equal(stdout.includes("encoded"), isEncoded, `${file}: ${stdout}`);
    }
    // what somebody did since
    await run([
      "bash",
      "-euc",
      `cd ${top}; echo wrong > @/etc/version
      btrfs -q subvolume delete @home; btrfs property set @snapshots/1 ro false; rm @snapshots/1/srv/plain/not
      btrfs -q subvolume snapshot -r @ @snapshots/own; btrfs -q subvolume set-default .
      rm @/srv/nocow/lost; cp @/srv/plain/not @/srv/nocow/lost
      mv @/srv/nocow/disk @/srv/nocow/moved; touch @/srv/nocow/disk; chattr -C @/srv/nocow/disk
      cat @/srv/nocow/moved > @/srv/nocow/disk; rm @/srv/nocow/moved
      btrfs property set @/srv/zstd compression ""`,
    ]);
  });
  {
    await using _mounts = await mountTree(target, { plan, at });
    await template.install(manifest, at, { restores: true });
  }
  assert.equal(await found(), wanted);
  {
    await using _mounts = await mountTree(target, { plan, at, readOnly: true });
    await assert.rejects(Deno.writeTextFile(`${at}/etc/version`, "x"));
  }
  await Deno.remove(at);
});

async function onTop(device: string, work: (top: string) => Promise<void>): Promise<void> {
  const top = await Deno.makeTempDir();
  await run(["mount", "-o", "subvolid=5", device, top]);
  try {
    await work(top);
  } finally {
    await run(["umount", top]);
    await Deno.remove(top);
  }
}

/** Like SUSE's: the root is a snapshot below a subvolume of its own, and the top is mounted as well. */
const SUSE = `
mkfs.btrfs -q -f -d raid1 -m raid1 $DEVICES
mount -o subvolid=5 $DEVICE $TOP
btrfs -q subvolume create $TOP/@; for name in .snapshots var; do btrfs -q subvolume create $TOP/@/$name; done
mkdir $TOP/@/.snapshots/{1,2}; btrfs -q subvolume create $TOP/@/.snapshots/1/snapshot
mkdir -p $TOP/@/.snapshots/1/snapshot/{.snapshots,var,etc,mnt/top}
echo root > $TOP/@/.snapshots/1/snapshot/etc/file; echo beside > $TOP/beside
btrfs -q subvolume snapshot -r $TOP/@/.snapshots/1/snapshot $TOP/@/.snapshots/2/snapshot
btrfs -q subvolume set-default $TOP/@/.snapshots/1/snapshot
umount $TOP
mount $DEVICE $ROOT; mount -o subvol=@/.snapshots $DEVICE $ROOT/.snapshots
mount -o subvol=@/var $DEVICE $ROOT/var; mount -o subvolid=5 $DEVICE $ROOT/mnt/top
echo log > $ROOT/var/log
`;

test("a btrfs on two disks whose root shows in its own snapshots is captured once, and neither removed nor doubled by a restore", async () => {
  const machine = await BtrfsMachine.make({ made: SUSE, disks: 2 });
  const { layout, fileSystem, mountPoints, notes } = await machine.read();
  const btrfs = fileSystem.mkfs.btrfs as BtrfsProperties;
  assert.deepEqual([btrfs.dataProfile, btrfs.metadataProfile], ["raid1", "raid1"]);
  assert.deepEqual([fileSystem.volume, fileSystem.more], [
    { kind: "partition", disk: 0, number: 1 },
    [{ kind: "partition", disk: 1, number: 1 }],
  ]);
  assert.equal(layout.disks.length, 2);
  assert.deepEqual(btrfs.top?.mountPoint, "/mnt/top");
  assert.deepEqual(mountPoints[0]?.shownAgain, [
    ...["mnt/top/@/.snapshots", "mnt/top/@/var", ".snapshots/1/snapshot"],
  ]);
  assert.equal(notes.length, 1);

  await using template = new Template(await Deno.makeTempDir());
  const manifest = await template.capture(machine.root, { mountPoints, layout });
  const paths = manifest.entries.map(({ path }) => path as string);
  assert.deepEqual(paths, [
    ...["", ".snapshots", ".snapshots/1", ".snapshots/2", ".snapshots/2/snapshot"],
    ...[".snapshots/2/snapshot/.snapshots", ".snapshots/2/snapshot/etc", ".snapshots/2/snapshot/etc/file"],
    ...[".snapshots/2/snapshot/mnt", ".snapshots/2/snapshot/mnt/top", ".snapshots/2/snapshot/var"],
    ...["etc", "etc/file", "mnt", "mnt/top", "mnt/top/@", "mnt/top/beside", "var", "var/log"],
  ]);
  const without = { without: "^\\./@/.snapshots/1/snapshot/(.snapshots|var|mnt/top) d" };
  const wanted = await described(machine.disks[0]?.partition(1) ?? "", without);
  await machine[Symbol.asyncDispose]();

  await using first = await LoopDisk.make({ sizeBytes: 500 << 20 });
  await using second = await LoopDisk.make({ sizeBytes: 500 << 20 });
  const plan = await wholeDisks(layout, [first, second]);
  const target = await carryOut(plan);
  const at = await Deno.makeTempDir();
  for (const restores of [false, true, true]) {
    await using _mounts = await mountTree(target, { plan, at });
    await template.install(manifest, at, { restores });
    // the next restore has this to undo
    await Deno.writeTextFile(`${at}/etc/file`, "changed");
    await Deno.remove(`${at}/var/log`);
    await Deno.writeTextFile(`${at}/mnt/top/stranger`, "x");
  }
  {
    await using _mounts = await mountTree(target, { plan, at });
    await template.install(manifest, at, { restores: true });
  }
  assert.equal(await described(first.device, without), wanted);
  for (const [disk, other] of [[first, second], [second, first]] as const) {
    await run(["btrfs", "check", "--readonly", disk.device]);
    await run(["mount", "-o", `device=${other.device}`, disk.device, at]);
    const { stdout } = await run(["btrfs", "filesystem", "df", at]);
    await run(["umount", at]);
    assert.match(stdout, /Data, RAID1:[^]*Metadata, RAID1:/);
  }
  await Deno.remove(at);
});

/** The plan for a layout with one btrfs, whose partitions become whole disks. */
async function wholeDisks(layout: DiskLayout, disks: readonly LoopDisk[]): Promise<Plan> {
  const [found] = layout.fileSystems;
  assert(found);
  const numbers = disks.map((_, disk) => ({ kind: "disk" as const, disk }));
  const [volume = { kind: "disk" as const, disk: 0 }, ...more] = numbers;
  const fileSystem = { ...found, volume, more };
  const sector = { sectorBytes: 512, sectorBytesBefore: 512, entries: 100 };
  const facts = await Promise.all(disks.map(({ name }) => readDisk(name)));
  return {
    image: "web@1",
    left: { mountPoints: [], notes: [] },
    notes: [],
    layout: { ...layout, fileSystems: [fileSystem] },
    disks: facts.map((facts, number) => ({ number, facts: facts as DiskFacts, because: "a test" })),
    actions: [
      ...numbers.map(({ disk }) => ({ do: "erase" as const, disk })),
      { do: "format", formatting: formatFileSystem(fileSystem, { ...sector, sizeBytes: 500 << 20 }) },
      ...mountsOf(fileSystem).map((mount) => ({
        do: "mount" as const,
        volume,
        more,
        type: "btrfs",
        ...mount,
      })),
    ],
  };
}
