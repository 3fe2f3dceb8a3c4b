/** A btrfs with subvolumes: read, captured, made again on other disks, filled, and restored. Real loop devices. */
import assert from "node:assert/strict";
import type { BtrfsProperties } from "#contract/format/file_system_properties.ts";
import { mountTree } from "../../agent/install/disk/partition.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { Template } from "../oddities/carried_tree.ts";
import { BtrfsMachine, described } from "./btrfs_machine.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, headerOf, planFor } from "./template_disk.ts";

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
  // mkfs.btrfs refuses the UUID of a file system that is there
  await machine[Symbol.asyncDispose]();

  await using disk = await LoopDisk.make({ sizeBytes: 700 << 20 });
  const plan = await planFor(headerOf(layout, "bios"), disk);
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
      rm @/srv/nocow/lost; cp @/srv/plain/not @/srv/nocow/lost; btrfs property set @/srv/zstd compression ""`,
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
