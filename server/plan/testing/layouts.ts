/** Layouts as the installers of distributions make them, and as people change them afterwards. */
import type { Volume } from "#contract/format/layout.ts";
import { BTRFS } from "./btrfs.ts";
import { GIB, KIB, MIB, Template } from "./template.ts";

const UBUNTU_BTRFS = {
  ...BTRFS,
  subvolumes: [
    { path: "@", readOnly: false },
    { path: "@home", readOnly: false, mountPoint: "/home", mountOptions: "rw,relatime,compress=zstd:1" },
    { path: "@snapshots/1", readOnly: true },
  ],
  mountedSubvolume: "@",
};
const XFS = { features: [], blockBytes: 4096 };

/** GRUB's partition, the root and swap behind it. */
export function plainBios(): Template {
  const t = new Template("bios");
  const disk = t.disk({ gib: 20 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(disk, { mib: 17 * 1024 }), "/", { usedBytes: 3 * GIB });
  t.swap(t.partition(disk, { mib: 2048, kind: "swap" }));
  return t;
}

/** Debian's guided layout of an MBR: the root, and swap in an extended partition. */
export function debianMbr(): Template {
  const t = new Template("bios");
  const disk = t.disk({ gib: 20, table: "dos" });
  t.fileSystem(t.partition(disk, { mib: 17 * 1024, bootable: true }), "/", { usedBytes: 3 * GIB });
  t.partition(disk, { mib: 2048, type: "5" });
  t.layout.disks[0]?.partitions.push({
    number: 5,
    startSector: (17 * 1024 + 2) * 2048,
    sectors: 2047 * 2048,
    type: "82",
  });
  t.swap({ kind: "partition", disk, number: 5 });
  return t;
}

function withEsp(t: Template, disk: number): void {
  t.fileSystem(t.partition(disk, { mib: 512, kind: "esp" }), "/boot/efi", {
    type: "vfat",
    usedBytes: 6 * MIB,
  });
}

export function plainUefi(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 30 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk), "/", { usedBytes: 5 * GIB });
  return t;
}

/** Anaconda's default: /boot apart, the rest in LVM with XFS. */
export function rhel(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 60 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk, { mib: 1024 }), "/boot", { type: "xfs", usedBytes: 300 * MIB, mkfs: XFS });
  t.group("rhel", [t.partition(disk, { kind: "lvm" })]);
  t.swap(t.lv("rhel", "swap", { gib: 4 }));
  t.fileSystem(t.lv("rhel", "home", { gib: 15 }), "/home", { type: "xfs", usedBytes: 2 * GIB, mkfs: XFS });
  t.fileSystem(t.lv("rhel", "root", { gib: 39 }), "/", { type: "xfs", usedBytes: 6 * GIB, mkfs: XFS });
  return t;
}

/** Subiquity's default: half of the group stays free. */
export function ubuntu(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 50 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk, { mib: 2048 }), "/boot", { usedBytes: 200 * MIB });
  t.group("ubuntu-vg", [t.partition(disk, { kind: "lvm" })]);
  t.fileSystem(t.lv("ubuntu-vg", "ubuntu-lv", { gib: 23.5 }), "/", { usedBytes: 7 * GIB });
  return t;
}

/** Two disks for GRUB, RAID 1 for /boot, and RAID 1 with LVM on it. */
export function debianRaid(): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 40 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.partition(first, { mib: 1024, kind: "raid" });
  t.partition(first, { kind: "raid" });
  const second = t.copyOf(first);
  const both = (number: number): Volume[] =>
    [first, second].map((disk) => ({ kind: "partition", disk, number }));
  t.fileSystem(t.md("0", both(2)), "/boot", { usedBytes: 150 * MIB });
  t.group("vg0", [t.md("1", both(3))]);
  t.fileSystem(t.lv("vg0", "root", { gib: 20 }), "/", { type: "xfs", usedBytes: 4 * GIB, mkfs: XFS });
  t.fileSystem(t.lv("vg0", "var", { gib: 12 }), "/var", { usedBytes: 3 * GIB });
  t.swap(t.lv("vg0", "swap", { gib: 2 }));
  return t;
}

/** An ESP on each disk, the first of which is mounted; the root on RAID 1. */
export function uefiRaid(): Template {
  const t = new Template("uefi");
  const first = t.disk({ gib: 40 });
  withEsp(t, first);
  t.partition(first, { kind: "raid" });
  const second = t.copyOf(first);
  t.fileSystem(
    t.md("root", [first, second].map((disk) => ({ kind: "partition", disk, number: 2 }))),
    "/",
    { usedBytes: 6 * GIB },
  );
  return t;
}

export function btrfs(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 30 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk), "/", {
    type: "btrfs",
    usedBytes: 6 * GIB,
    mountOptions: "rw,relatime,compress=zstd:1,subvol=/@",
    mkfs: { features: [], btrfs: UBUNTU_BTRFS },
  });
  return t;
}

export function btrfsRaid(): Template {
  const t = new Template("uefi");
  const first = t.disk({ gib: 30 });
  withEsp(t, first);
  const volume = t.partition(first);
  const second = t.copyOf(first);
  t.fileSystem(volume, "/", {
    more: [{ kind: "partition", disk: second, number: 2 }],
    type: "btrfs",
    usedBytes: 6 * GIB,
    mkfs: { features: [], btrfs: { ...UBUNTU_BTRFS, dataProfile: "raid1", metadataProfile: "raid1" } },
  });
  return t;
}

/** LVM in LUKS, with /boot outside. */
export function laptop(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 40 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk, { mib: 1024 }), "/boot", { usedBytes: 200 * MIB });
  t.group("vg", [t.luks("crypt", t.partition(disk))]);
  t.fileSystem(t.lv("vg", "root", { gib: 34 }), "/", { usedBytes: 8 * GIB });
  t.swap(t.lv("vg", "swap", { gib: 4 }));
  return t;
}

/** LUKS in LVM: only the data is encrypted, with LUKS1. */
export function encryptedVolume(): Template {
  const t = new Template("bios");
  const disk = t.disk({ gib: 40 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.group("vg", [t.partition(disk, { kind: "lvm" })]);
  t.fileSystem(t.lv("vg", "root", { gib: 12 }), "/", { usedBytes: 3 * GIB });
  t.fileSystem(t.luks("secret", t.lv("vg", "secret", { gib: 20 }), { version: 1 }), "/srv", {
    usedBytes: 5 * GIB,
  });
  return t;
}

/** A system disk and a data disk. */
export function dataDisk(): Template {
  const t = plainBios();
  const disk = t.disk({ gib: 100 });
  t.fileSystem(t.partition(disk), "/srv/data", { type: "xfs", usedBytes: 30 * GIB, mkfs: XFS });
  return t;
}

/** A system disk, and RAID 6 over four data disks. */
export function dataArray(): Template {
  const t = plainBios();
  const disks = [50, 50, 50, 50].map((gib) => t.disk({ gib }));
  const array = t.md("data", disks.map((disk) => t.partition(disk, { kind: "raid" })), { level: "raid6" });
  t.fileSystem(array, "/srv", { type: "xfs", usedBytes: 20 * GIB, mkfs: XFS });
  return t;
}

/** /boot on RAID 1 over all disks, the rest on another level. */
export function levels(level: string, count: number, layout?: string): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 20 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.partition(first, { mib: 512, kind: "raid" });
  t.partition(first, { kind: "raid" });
  const disks = [first];
  while (disks.length < count) disks.push(t.copyOf(first));
  const all = (number: number): Volume[] => disks.map((disk) => ({ kind: "partition", disk, number }));
  t.fileSystem(t.md("boot", all(2), { metadata: "1.0" }), "/boot", { usedBytes: 100 * MIB });
  t.fileSystem(t.md("root", all(3), { level, chunkBytes: 512 * KIB, ...layout && { layout } }), "/", {
    usedBytes: 6 * GIB,
  });
  return t;
}

/** LVM's own RAID 1 on two disks, with something linear beside it. */
export function lvmRaid(type: "raid1" | "mirror" = "raid1"): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 40 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first, { mib: 512 }), "/boot", { usedBytes: 100 * MIB });
  const physical = t.partition(first, { kind: "lvm" });
  const second = t.copyOf(first);
  t.group("vg", [physical, { kind: "partition", disk: second, number: 3 }]);
  t.fileSystem(t.lv("vg", "root", { gib: 20, type, copies: 2, on: [0, 1] }), "/", { usedBytes: 5 * GIB });
  t.fileSystem(t.lv("vg", "scratch", { gib: 10, on: [1] }), "/scratch", { usedBytes: GIB });
  t.swap(t.lv("vg", "swap", { gib: 2, on: [0] }));
  return t;
}

export function lvmStripes(): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 20 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first, { mib: 512 }), "/boot", { usedBytes: 100 * MIB });
  const physical = t.partition(first, { kind: "lvm" });
  const second = t.disk({ gib: 20 });
  t.group("vg", [physical, t.partition(second, { kind: "lvm" })]);
  t.fileSystem(
    t.lv("vg", "root", { gib: 30, type: "striped", stripes: 2, stripeBytes: 64 * KIB, on: [0, 1] }),
    "/",
    { usedBytes: 8 * GIB },
  );
  return t;
}

export function thin(): Template {
  const t = new Template("bios");
  const disk = t.disk({ gib: 60 });
  t.partition(disk, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(disk, { mib: 512 }), "/boot", { usedBytes: 100 * MIB });
  t.group("vg", [t.partition(disk, { kind: "lvm" })]);
  t.swap(t.lv("vg", "swap", { gib: 2 }));
  t.lv("vg", "pool", {
    gib: 50,
    type: "thin-pool",
    metadataBytes: 64 * MIB,
    chunkBytes: 64 * KIB,
    zeroes: true,
  });
  const inPool = (name: string, gib: number) => t.lv("vg", name, { gib, type: "thin", pool: "pool" });
  t.fileSystem(inPool("root", 20), "/", { usedBytes: 6 * GIB });
  t.fileSystem(inPool("home", 60), "/home", { type: "xfs", usedBytes: 9 * GIB, mkfs: XFS });
  return t;
}

/** No tables at all on the second and third disk: they are physical volumes and MD members as a whole. */
export function wholeDisks(): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 20 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first), "/", { usedBytes: 3 * GIB });
  const members = [30, 30].map((gib): Volume => ({ kind: "disk", disk: t.disk({ gib, table: "none" }) }));
  t.group("vg", [t.md("var", members)]);
  t.fileSystem(t.lv("vg", "var", { gib: 28 }), "/var", { usedBytes: 5 * GIB });
  return t;
}

/** A template whose disk has sectors of 4096 bytes. */
export function native4k(): Template {
  const t = new Template("uefi");
  const disk = t.disk({ gib: 60, sectorBytes: 4096 });
  withEsp(t, disk);
  t.fileSystem(t.partition(disk, { mib: 1024 }), "/boot", { usedBytes: 200 * MIB });
  t.group("vg", [t.luks("crypt", t.partition(disk, { kind: "lvm" }), { sectorBytes: 4096 })]);
  t.fileSystem(t.lv("vg", "root", { gib: 50 }), "/", { type: "xfs", usedBytes: 6 * GIB, mkfs: XFS });
  t.swap(t.lv("vg", "swap", { gib: 4 }));
  return t;
}
