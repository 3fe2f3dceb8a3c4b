/** Captures of machines with real mounts on top of or inside their file systems. */
import assert from "node:assert/strict";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { CaptureRecord } from "../../agent/capture/cache/capture_record.ts";
import { encodeCache, PastCapture } from "../../agent/capture/cache/past_capture.ts";
import { type CaptureHistory, TreeSource } from "../../agent/capture/tree_source.ts";
import { captureApart, type Captured, captureTree } from "./captured_tree.ts";
import { missingForDisks } from "./loop_disk.ts";
import { MountedMachine } from "./mounted_machine.ts";

const missing = missingForDisks([
  "sfdisk",
  "mkfs.ext4",
  "blkid",
  "lsblk",
  "dumpe2fs",
  "setpriv",
  "mkfs.xfs",
  "mkfs.btrfs",
]);
if (missing) console.log(`skipped: mounts: ${missing}`);

const WHOLE: Captured["paths"] = {
  "": "directory",
  "data": "directory",
  "data/file": "of data",
  "data/link": "= data/file",
  "etc": "directory",
  "etc/hosts": "of the root",
  "mnt": "directory",
  "srv": "directory",
  "tmp": "directory",
};

interface Case {
  readonly name: string;
  readonly mount: string | ((machine: MountedMachine) => Promise<void>);
  /** The captured paths that differ from `WHOLE`. */
  readonly differs?: Captured["paths"];
  /** The paths of `WHOLE` that are not captured. */
  readonly lost?: readonly string[];
  readonly notes?: readonly string[];
}

const elsewhere = (what: string) => `left out, not a file system of this machine's disks: ${what}`;
const again = (where: string) => `captured once, not again at a second mount: ${where}`;

const CASES: readonly Case[] = [
  { name: "nothing but its own file systems", mount: "" },
  {
    name: "a file system of the machine mounted a second time",
    mount: "mkdir srv/data; mount --bind data srv/data",
    differs: { "srv/data": "directory" },
    notes: [again("/srv/data")],
  },
  {
    name: "a directory of a file system of the machine bind-mounted",
    mount: "mkdir data/sub srv/sub; echo x > data/sub/x; mount --bind data/sub srv/sub",
    differs: { "data/sub": "directory", "data/sub/x": "x", "srv/sub": "directory" },
    notes: [again("/srv/sub")],
  },
  {
    name: "directories mounted on themselves, as systemd protects those of a service",
    mount: "mount --bind etc etc; mount -o remount,bind,ro etc; mount --bind data data; mount --bind . .",
  },
  {
    name: "a directory of a service's own over another, as PrivateTmp makes it",
    mount: "mkdir -p srv/private; echo private > srv/private/x; mount --bind srv/private mnt",
    differs: { "srv/private": "directory", "srv/private/x": "private" },
    notes: [again("/mnt")],
  },
  {
    name: "a bind of its root",
    mount: "mkdir mnt/root; mount --bind . mnt/root",
    differs: { "mnt/root": "directory" },
    notes: [again("/mnt/root")],
  },
  {
    name: "a bind of its root with all that is mounted in it",
    mount: "mkdir mnt/root; mount --rbind . mnt/root",
    differs: { "mnt/root": "directory" },
    notes: [again("/mnt/root, /mnt/root/data")],
  },
  {
    name: "a tmpfs over a mount point of the machine",
    mount: "mount -t tmpfs none data; echo foreign > data/file; echo foreign > data/other",
    notes: [elsewhere("tmpfs on /data")],
  },
  {
    name: "one file mounted over another",
    mount: "mount -t tmpfs none mnt; echo foreign > mnt/hosts; mount --bind mnt/hosts etc/hosts",
    notes: [elsewhere("tmpfs on /mnt, /etc/hosts")],
  },
  {
    name: "files that lie below a foreign mount",
    mount: "echo below > srv/file; mount -t tmpfs none srv; echo foreign > srv/file",
    differs: { "srv/file": "below" },
    notes: [elsewhere("tmpfs on /srv")],
  },
  {
    name: "files that lie below a mount of the machine",
    mount: "umount data; echo below > data/file; mount $DISK'p2' data",
    notes: ["left out, hidden by the file system that is mounted on /data: file"],
  },
  {
    name: "a file system of the machine below a foreign mount that never answers",
    mount: async (machine) => {
      await machine.shell("mkdir srv/disk; mount $DISK'p3' srv/disk; echo third > srv/disk/file");
      await machine.fuse("srv");
    },
    differs: { "srv/disk": "directory", "srv/disk/file": "third" },
    notes: [elsewhere("fuse on /srv")],
  },
  {
    name: "a file system of the machine on a directory that only a foreign mount has",
    mount: "mount -t tmpfs none srv; mkdir srv/disk; mount $DISK'p3' srv/disk; echo third > srv/disk/file",
    differs: { "srv/disk": "directory", "srv/disk/file": "third" },
    notes: [elsewhere("tmpfs on /srv")],
  },
  {
    name: "a file system of the machine below directories that only a foreign mount has",
    mount: "mount -t tmpfs none srv; mkdir -p srv/a/disk; mount $DISK'p3' srv/a/disk",
    notes: [
      elsewhere("tmpfs on /srv"),
      "left out, its mount point is on a foreign file system: /srv/a/disk",
    ],
  },
  {
    name: "a file system of the machine mounted only in part",
    mount:
      "mkdir srv/part; mount $DISK'p3' mnt; mkdir mnt/part; echo part > mnt/part/file; echo rest > mnt/rest; " +
      "mount --bind mnt/part srv/part; umount mnt",
    differs: {
      "srv/part": "directory",
      "srv/part/part": "directory",
      "srv/part/part/file": "part",
      "srv/part/rest": "rest",
    },
    notes: ["captured whole, though only its /part is mounted: /srv/part"],
  },
  {
    name: "two own file systems on one mount point",
    mount: "mkdir srv/disk; mount $DISK'p3' srv/disk; echo third > srv/disk/file; mount $DISK'p3' data",
    differs: { "srv/disk": "directory", "srv/disk/file": "third" },
    notes: [again("/data")],
  },
  {
    name: "a file system of the machine over another one that has no other place",
    mount: "mount $DISK'p3' data; echo third > data/file",
    differs: { "data/file": "third" },
    lost: ["data/link"],
    notes: [elsewhere("ext4 on /data")],
  },
  {
    name: "a mount over an XFS",
    mount:
      "mkfs.xfs -q -f $DISK'p3'; mkdir srv/disk; mount $DISK'p3' srv/disk; echo third > srv/disk/file; " +
      "mount -t tmpfs none srv/disk",
    differs: { "srv/disk": "directory", "srv/disk/file": "third" },
    notes: [elsewhere("tmpfs on /srv/disk")],
  },
  {
    name: "mounts over the subvolumes of a btrfs, and a bind of a directory in one",
    mount: "mkfs.btrfs -q -f $DISK'p3'; mkdir srv/a srv/b srv/bind; mount $DISK'p3' mnt; " +
      "btrfs -q subvolume create mnt/@a; btrfs -q subvolume create mnt/@b; umount mnt; " +
      "mount -o subvol=@a $DISK'p3' srv/a; mount -o subvol=@b $DISK'p3' srv/b; " +
      "echo a > srv/a/file; mkdir srv/b/sub; echo b > srv/b/sub/file; mount --bind srv/b/sub srv/bind; " +
      "mount -t tmpfs none srv/b",
    differs: {
      "srv/a": "directory",
      "srv/a/file": "a",
      "srv/bind": "directory",
      "srv/b": "directory",
      "srv/b/sub": "directory",
      "srv/b/sub/file": "b",
    },
    notes: [again("/srv/bind"), elsewhere("tmpfs on /srv/b")],
  },
  {
    name: "a mount over a file system that is read-only",
    mount: "mkdir srv/disk; mount $DISK'p3' srv/disk; echo third > srv/disk/file; umount srv/disk; " +
      "mount -o ro $DISK'p3' srv/disk; mount -t tmpfs none srv/disk",
    differs: { "srv/disk": "directory", "srv/disk/file": "third" },
    notes: [elsewhere("tmpfs on /srv/disk")],
  },
  {
    name: "an overlay, and an image of a package",
    mount: "mkdir tmp/o; mount -t tmpfs none tmp/o; mkdir tmp/o/u tmp/o/w srv/merged mnt/snap; " +
      "mount -t overlay none -o lowerdir=etc,upperdir=tmp/o/u,workdir=tmp/o/w srv/merged; " +
      "truncate -s 8M tmp/snap.img; mkfs.ext4 -q -F tmp/snap.img; mount -o loop,ro tmp/snap.img mnt/snap",
    differs: { "srv/merged": "directory", "mnt/snap": "directory" },
    notes: [elsewhere("overlay on /srv/merged"), elsewhere("ext4 on /mnt/snap")],
  },
  {
    name: "a mount that never answers",
    mount: (machine) => machine.fuse("srv"),
    notes: [elsewhere("fuse on /srv")],
  },
  {
    name: "a mount whose program has died",
    mount: (machine) => machine.fuse("srv", { dead: true }),
    notes: [elsewhere("fuse on /srv")],
  },
  {
    name: "a user's mount that refuses root",
    mount: (machine) => machine.fuse("srv", { user: 1000 }),
    notes: [elsewhere("fuse on /srv")],
  },
  {
    name: "many mounts of one kind",
    mount: "cd mnt; for i in 1 2 3 4 5 6 7; do mkdir $i; mount -t tmpfs none $i; done",
    differs: Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((i) => [`mnt/${i}`, "directory"])),
    notes: [elsewhere("tmpfs on /mnt/1, /mnt/2, /mnt/3, /mnt/4, /mnt/5 and 2 more")],
  },
  {
    name: "mounts that hold no data, and excluded ones",
    mount: "mkdir run proc mnt/proc; mount -t tmpfs none run; mount -t proc none proc; " +
      "mount -t proc none mnt/proc; mount -t tmpfs none tmp; touch tmp/x",
    differs: { "run": "directory", "proc": "directory", "mnt/proc": "directory" },
  },
];

function test(
  name: string,
  { mount, differs = {}, lost = [], notes = [], privileged }: Case & { privileged: boolean },
) {
  Deno.test({
    name,
    ignore: missing !== undefined,
    fn: async () => {
      await using machine = await MountedMachine.make();
      if (typeof mount === "string") await machine.shell(mount);
      else await mount(machine);
      const { mountPoints } = await machine.facts();
      const captured = await captureApart(machine.root, { mountPoints, privileged });
      const right = Object.entries({ ...WHOLE, ...differs }).filter(([path]) => !lost.includes(path));
      assert.deepEqual(captured.paths, Object.fromEntries(right));
      assert.deepEqual(captured.notes, notes);
    },
  });
}

for (const one of CASES) {
  test(`a machine's file systems are captured as they are, with ${one.name}`, { ...one, privileged: true });
}

const below = (what: string) =>
  `left out, what other mounts hide (reading it needs root and Linux 5.2 or newer): ${what}`;

const UNPRIVILEGED: readonly Case[] = [
  { name: "nothing but its own file systems", mount: "" },
  {
    name: "a file system of the machine mounted a second time",
    mount: "mkdir srv/data; mount --bind data srv/data",
    differs: { "srv/data": "directory" },
    notes: [again("/srv/data"), below("/srv/data")],
  },
  {
    name: "a tmpfs over a mount point of the machine",
    mount: "mount -t tmpfs none data; echo foreign > data/file",
    lost: ["data/file", "data/link"],
    notes: [
      elsewhere("tmpfs on /data"),
      "left out, the file system of /data, which other mounts hide and which cannot be opened directly " +
      "(cannot mount: EPERM): unmount what hides it, or run the agent as root on Linux 5.2 or newer",
      below("/data"),
    ],
  },
  {
    name: "one file mounted over another",
    mount: "mount -t tmpfs none tmp; echo foreign > tmp/hosts; mount --bind tmp/hosts etc/hosts",
    lost: ["etc/hosts"],
    notes: [elsewhere("tmpfs on /etc/hosts"), below("/etc/hosts")],
  },
  {
    name: "a mount that never answers",
    mount: (machine) => machine.fuse("srv"),
    notes: [elsewhere("fuse on /srv"), below("/srv")],
  },
];

for (const one of UNPRIVILEGED) {
  test(`an agent that may not mount captures what it sees and reports the rest, with ${one.name}`, {
    ...one,
    privileged: false,
  });
}

Deno.test({
  name: "the next capture recognizes a file through whichever mount it is read",
  ignore: missing !== undefined,
  fn: async () => {
    await using machine = await MountedMachine.make();
    const record = new CaptureRecord(Date.now() + 3_600_000);
    const read = async (history: CaptureHistory) => {
      const { mountPoints } = await machine.facts();
      const tree = new TreeSource(machine.root, { excludes: compileExcludes([]), mountPoints, history });
      await captureTree(tree, { onEntry: (entry) => history.record.add(entry) });
      return tree.bytesRead;
    };
    assert.ok(await read({ record }) > 0);
    const past = new PastCapture(
      encodeCache(record.toCache({ capture: "c", root: machine.root, amount: { files: 0, bytes: 0 } })),
    );
    // A clone of the mount found by its path, then a mount of the device.
    await machine.shell("mount -t tmpfs none data");
    assert.equal(await read({ past, record: new CaptureRecord(0) }), 0);
  },
});
