/** Captures and backups that were misled by mounts on top of or inside a machine's file systems. */
import { LSBLK } from "../../agent/layout/block_devices.ts";
import { chooseMounts } from "../../agent/layout/mounts/own_mounts.ts";
import { parseFstab } from "../../agent/disk_references/fstab.ts";
import { parseMountTable } from "../../agent/sys/mount_table.ts";
import { captureApart } from "../node/captured_tree.ts";
import { missingForDisks } from "../node/loop_disk.ts";
import { MountedMachine } from "../node/mounted_machine.ts";
import { testReports } from "./report.ts";

interface Mounted {
  /** A script, run in the machine's root; the second partition of its disk is /data. */
  readonly script: string;
  /** A FUSE file system that never answers, whose program has died, or that answers one user only. */
  readonly fuse?: { readonly path: string; readonly dead?: boolean; readonly user?: number };
  /** Only captured paths at and below this one are compared. */
  readonly at: string;
}

/** The captured paths, each with the content of a file. */
async function captured({ script, fuse, at }: Mounted): Promise<Record<string, string>> {
  await using machine = await MountedMachine.make();
  await machine.shell(script);
  if (fuse) await machine.fuse(fuse.path, fuse);
  const { mountPoints } = await machine.facts();
  const { paths } = await captureApart(machine.root, { mountPoints, privileged: true });
  return Object.fromEntries(
    Object.entries(paths).filter(([path]) => path === at || path.startsWith(`${at}/`)),
  );
}

const DATA = { "data": "directory", "data/file": "of data", "data/link": "= data/file" };
const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk", "dumpe2fs", "setpriv"]);
if (missing) console.log(`skipped: reports about mounts: ${missing}`);
else {
  testReports(captured, [
    {
      report: "restic/restic#645",
      fault: "a file system that was mounted at two places was archived twice",
      input: { script: "mkdir -p mnt/bar/baz; mount --bind data mnt/bar/baz", at: "mnt" },
      right: { "mnt": "directory", "mnt/bar": "directory", "mnt/bar/baz": "directory" },
    },
    {
      report: "borgbackup/borg#2141",
      fault: "the root was mounted on /mnt, too, and archived twice in spite of --one-file-system",
      input: { script: "mount $DISK'p1' mnt", at: "mnt" },
      right: { "mnt": "directory" },
    },
    {
      report: "RsyncProject/rsync#483",
      fault: "directories that were bind-mounted into chroots were copied once for each",
      input: {
        script:
          "mkdir -p srv/jail/etc srv/jail2/etc; mount --bind etc srv/jail/etc; mount --bind etc srv/jail2/etc",
        at: "srv",
      },
      right: {
        "srv": "directory",
        "srv/jail": "directory",
        "srv/jail/etc": "directory",
        "srv/jail2": "directory",
        "srv/jail2/etc": "directory",
      },
    },
    {
      report: "restic/restic#909",
      fault: "mount points were missing in the backup, since looking at one shows what is mounted there",
      input: { script: "mkdir dev; mount -t tmpfs none dev; touch dev/null", at: "dev" },
      right: { "dev": "directory" },
    },
    {
      report: "jborg/attic#77",
      fault: "files on the disk that lie below a mount cannot be recreated, and no backup had them",
      input: { script: "echo below > srv/file; mount -t tmpfs none srv", at: "srv" },
      right: { "srv": "directory", "srv/file": "below" },
    },
    {
      report: "andrewchambers/bupstash#90",
      fault: "the backup of / went into a user's FUSE mount of several terabytes",
      input: { script: "mkdir -p srv/home/user", fuse: { path: "srv/home/user" }, at: "srv" },
      right: { "srv": "directory", "srv/home": "directory", "srv/home/user": "directory" },
    },
    {
      report: "rear/rear#350",
      fault: "the survey of disks never ended, because it asked every mount for its size, even a dead one",
      input: { script: "", fuse: { path: "srv" }, at: "data" },
      right: DATA,
    },
    {
      report: "rear/rear#2610",
      fault: "a mount in /net whose server had failed stopped the backup of the machine's own file systems",
      input: { script: "mkdir -p srv/net/host", fuse: { path: "srv/net/host" }, at: "srv" },
      right: { "srv": "directory", "srv/net": "directory", "srv/net/host": "directory" },
    },
    {
      report: "home-assistant/supervisor#4985",
      fault: "a mount that had gone stale ended the whole backup with an error",
      input: { script: "", fuse: { path: "mnt", dead: true }, at: "mnt" },
      right: { "mnt": "directory" },
    },
    {
      report: "gilbertchen/duplicacy#524",
      fault: "a user's FUSE mount in their home refused root, and the whole home was skipped",
      input: {
        script: "mkdir -p srv/kathy/.gvfs; echo hers > srv/kathy/file",
        fuse: { path: "srv/kathy/.gvfs", user: 1000 },
        at: "srv",
      },
      right: {
        "srv": "directory",
        "srv/kathy": "directory",
        "srv/kathy/.gvfs": "directory",
        "srv/kathy/file": "hers",
      },
    },
    {
      report: "rear/rear#1989",
      fault: "containers' mounts were mistaken for the machine's, and its root was left out with them",
      input: {
        script: "mkdir -p tmp/l tmp/o srv/docker; mount -t tmpfs none tmp/o; mkdir tmp/o/u tmp/o/w; " +
          "mount -t overlay none -o lowerdir=tmp/l,upperdir=tmp/o/u,workdir=tmp/o/w srv/docker; touch srv/docker/x",
        at: "srv",
      },
      right: { "srv": "directory", "srv/docker": "directory" },
    },
  ]);
}

const own = (lines: readonly string[]) =>
  chooseMounts(parseMountTable(new TextEncoder().encode(lines.join("\n"))), {
    devices: ["1", "2"].map((number) => ({
      name: `sda${number}`,
      kernelName: `sda${number}`,
      path: `/dev/sda${number}`,
      number: `8:${number}`,
      type: "disk",
      sizeBytes: 1e9,
      sectorBytes: 512,
      foreign: false,
      below: [],
    })),
    diskTypes: ["disk"],
  }).map(({ mount: { target, part } }) => `${target} (${part})`);

testReports(own, [
  {
    report: "teejee2008/timeshift#535",
    fault:
      "a bind mount of a directory was mistaken for the file system's mount point, and nothing was found there",
    input: [
      "20 1 8:1 / / rw - ext4 /dev/sda1 rw",
      "21 20 8:2 /www /var/www rw - ext4 /dev/sda2 rw",
      "22 20 8:2 / /media/backup rw - ext4 /dev/sda2 rw",
    ],
    right: ["/ (/)", "/media/backup (/)"],
  },
  {
    report: "systemd/systemd#4886",
    fault: "reading an automount's directory never returned",
    input: ["20 1 8:1 / / rw - ext4 /dev/sda1 rw", "21 20 0:40 / /misc rw - autofs systemd-1 rw"],
    right: ["/ (/)"],
  },
]);

/** The columns for which lsblk(8) queries mounted file systems or reads devices. */
const asking = (columns: string) =>
  columns.split(",").filter((column) => /^(FS|UUID|LABEL|PTTYPE|MOUNTPOINT)/.test(column));

testReports(asking, [
  {
    report: "chef/ohai#622",
    fault: "lsblk was asked for the types of file systems, and waited for dead disks",
    input: LSBLK.at(-1) ?? "",
    right: [],
  },
]);

testReports((text: string) => parseFstab(text).map(({ mountPoint }) => mountPoint), [
  {
    report: "rear/rear#32",
    fault: "a bind mount in fstab was mistaken for a file system, and its type could not be determined",
    input: "/dev/sda2 /datafs ext3 defaults 0 2\n/datafs/binddir /binddir ext3 rw,bind 0 0\n",
    right: ["/datafs"],
  },
]);
