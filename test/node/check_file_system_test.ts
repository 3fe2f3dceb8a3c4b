/** File systems damaged on purpose, on real devices: what the checks find, repair, and give up. */
import assert from "node:assert/strict";
import { checkFileSystem, isUnsound, type Soundness } from "../../agent/install/disk/check_file_system.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks([
  ...["mkfs.ext4", "e2fsck", "debugfs", "mkfs.xfs", "xfs_repair", "xfs_db", "mkfs.btrfs", "btrfs"],
  ...["mkfs.vfat", "fsck.vfat", "mcopy"],
]);
if (missing) console.log(`skipped: checks of file systems: ${missing}`);

/** Script: $DEV is the device, $AT a free directory. */
interface Case {
  readonly name: string;
  readonly type: string;
  readonly made: string;
  readonly found: Soundness;
  /** Not given: it is unsound unless it is found sound. */
  readonly unsound?: boolean;
  readonly last?: RegExp;
}

/** Without the kernel: sload.f2fs writes files; $at becomes the place of the inode. */
const f2fsWithout = (inode: number) =>
  "mkfs.f2fs -q -f $DEV; cd $AT; mkdir t; for i in $(seq 20); do seq 1000 > t/$i; done; " +
  "sload.f2fs -f t $DEV >/dev/null; rm -r t; dump.f2fs -n 0~20 $DEV >/dev/null; " +
  `at=$(sed -n 's/^nid: *${inode}\\t.*blkaddr: *\\([0-9]*\\).*/\\1/p' dump_nat); rm dump_nat; ` +
  "dd if=/dev/zero of=$DEV conv=notrunc bs=4096 count=1 seek=$at status=none";
const hasF2fs = missingForDisks(["mkfs.f2fs", "fsck.f2fs", "sload.f2fs", "dump.f2fs"]) === undefined;
if (!hasF2fs) console.log("skipped: checks of f2fs: f2fs-tools are not there");

const FILL = "mount $DEV $AT; mkdir $AT/d; for i in $(seq 60); do echo $i > $AT/d/$i; done; sync; umount $AT";
const ZEROS = "dd if=/dev/zero of=$DEV conv=notrunc bs=4096 status=none";

const CASES: readonly Case[] = [
  { name: "ext4", type: "ext4", made: `mkfs.ext4 -q $DEV; ${FILL}`, found: "sound" },
  {
    name: "ext4 with a lost directory entry",
    type: "ext4",
    made: `mkfs.ext4 -q $DEV; ${FILL}; debugfs -w -R "clri /d/7" $DEV 2>/dev/null`,
    found: "repaired",
  },
  {
    name: "ext4 of which nothing is left",
    type: "ext4",
    made: `mkfs.ext4 -q $DEV; dd if=/dev/urandom of=$DEV conv=notrunc bs=1M status=none 2>/dev/null || true`,
    found: "hopeless",
    last: /e2fsck leaves errors/,
  },
  { name: "XFS", type: "xfs", made: `mkfs.xfs -q $DEV; ${FILL}`, found: "sound" },
  {
    name: "XFS whose log has to be replayed",
    type: "xfs",
    made: "mkfs.xfs -q $DEV; mount $DEV $AT; mkdir $AT/d; for i in $(seq 60); do echo $i > $AT/d/$i; done; " +
      "xfs_io -x -c 'shutdown -f' $AT; umount $AT",
    found: "sound",
    unsound: false,
  },
  {
    name: "XFS with a damaged inode",
    type: "xfs",
    made: `mkfs.xfs -q $DEV; ${FILL}; xfs_db -x -c "inode 128" -c "write -d core.nlinkv2 77" $DEV >/dev/null`,
    found: "repaired",
  },
  {
    name: "XFS of which nothing is left",
    type: "xfs",
    made: "mkfs.xfs -q $DEV; dd if=/dev/zero of=$DEV conv=notrunc bs=1M status=none 2>/dev/null || true",
    found: "hopeless",
    last: /xfs_repair leaves errors/,
  },
  { name: "btrfs", type: "btrfs", made: `mkfs.btrfs -q $DEV; ${FILL}`, found: "sound" },
  {
    name: "btrfs of which the only copy of a tree is damaged",
    type: "btrfs",
    made: `mkfs.btrfs -q -m single $DEV; ${FILL}
      at=$(btrfs inspect-internal dump-super $DEV | awk '$1 == "root" { print $2 }')
      at=$(btrfs-map-logical -l $at $DEV 2>/dev/null | sed -n 's/.*physical \\([0-9]*\\).*/\\1/p' | head -1)
      ${ZEROS} count=4 seek=$((at / 4096))`,
    found: "hopeless",
    last: /btrfs check leaves errors/,
  },
  { name: "vfat", type: "vfat", made: "mkfs.vfat -F 32 $DEV >/dev/null", found: "sound" },
  {
    name: "vfat that was not unmounted",
    type: "vfat",
    made:
      "mkfs.vfat -F 32 $DEV >/dev/null; printf '\\001' | dd of=$DEV bs=1 seek=65 conv=notrunc status=none",
    found: "repaired",
  },
  {
    name: "vfat with a broken chain",
    type: "vfat",
    made:
      "mkfs.vfat -F 32 $DEV >/dev/null; head -c 100000 /dev/urandom > $AT/f; mcopy -i $DEV $AT/f ::f; rm $AT/f; " +
      "printf '\\000\\000\\000\\000' | dd of=$DEV bs=1 seek=$((32 * 512 + 16)) conv=notrunc status=none",
    found: "repaired",
  },
  { name: "f2fs", type: "f2fs", made: "mkfs.f2fs -q -f $DEV", found: "sound" },
  { name: "f2fs that lost the inode of a file", type: "f2fs", made: f2fsWithout(6), found: "repaired" },
  {
    name: "f2fs that lost its root",
    type: "f2fs",
    made: f2fsWithout(3),
    found: "hopeless",
    last: /fsck.f2fs leaves errors/,
  },
  { name: "a type without a program", type: "swap", made: "true", found: "sound" },
];
for (const { name, type, made, found, unsound = found !== "sound", last } of CASES) {
  Deno.test({
    name: `a check of ${name}: ${found}`,
    ignore: missing !== undefined || type === "f2fs" && !hasF2fs,
    async fn() {
      await using disk = await LoopDisk.make({ sizeBytes: 320 << 20 });
      const at = await Deno.makeTempDir();
      await run(["bash", "-euc", `DEV=${disk.device} AT=${at}\n${made}`]);
      await Deno.remove(at);
      const checked = { type, devices: [disk.device] };
      assert.equal(await isUnsound(checked, { run }), unsound);
      if (last) await assert.rejects(checkFileSystem(checked, { run, last: true }), last);
      assert.equal(await checkFileSystem(checked, { run, last: false }), found);
      if (found === "repaired") assert.equal(await checkFileSystem(checked, { run, last: true }), "sound");
    },
  });
}
