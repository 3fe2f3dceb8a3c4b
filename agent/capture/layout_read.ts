/** Reads the layout of the live machine's own disks: asks the programs, leaves the judging to `lacks.ts`. */
import { type BytePath, bytePathOfText, displayPath, textOf } from "#contract/byte_path.ts";
import type { DiskLayout, DiskTable, FileSystem, SwapArea, Volume } from "#contract/layout.ts";
import type { Run } from "../sys/command.ts";
import { SysError } from "../sys/errno.ts";
import { usedBytesOf } from "../sys/libc.ts";
import { type MountEntry, readMountTable } from "../sys/mount_table.ts";
import { type Device, LSBLK, parseLsblk } from "./layout_devices.ts";
import { parseBlkid, parseDumpe2fs, parseSfdisk } from "./layout_table.ts";
import { MountedTrees } from "./mounts/mounted_trees.ts";
import { chooseMounts, type ChosenMount, isWhole, type OwnMount } from "./mounts/own_mounts.ts";

export interface MachineLayout {
  readonly layout: DiskLayout;
  /** Its own file systems with their places in the tree: what a capture walks. */
  readonly mountPoints: readonly OwnMount[];
  /** Partitions that hold something which is not mounted, so that a capture does not see it. */
  readonly unseen: readonly Unseen[];
  /** Of the root's file system, if not the whole of it is mounted on "/": "/ostree/deploy/…". */
  readonly rootPart?: string;
}

/** Something that a capture does not see, and why. */
export interface Unseen {
  readonly volume: Volume;
  readonly type: string;
  /** "served": a program of the machine mounts it (FUSE); "hidden": other own file systems have its mount points. */
  readonly because: "unmounted" | "served" | "hidden";
}

/**
 * `diskTypes`: lsblk's types that count as disks; image files on loop devices only where a test says so. `mounts`: as
 * the system has them; `root`: where that system's root is.
 */
export async function readLayout(
  { run, diskTypes = ["disk"], root = "/", mounts = readMountTable() }: {
    run: Run;
    diskTypes?: readonly string[];
    root?: string;
    mounts?: readonly MountEntry[];
  },
): Promise<MachineLayout> {
  const devices = parseLsblk((await run(LSBLK)).stdout);
  const own = chooseMounts(mounts, { devices, diskTypes });
  const disks = ownDisks(own, { devices, diskTypes });
  const tables = await Promise.all(disks.map((disk) => readTable(disk, run)));
  const volumeOf = (device: Device) => volume(device, { disks, tables });

  const fileSystems: FileSystem[] = [];
  const taken = new Set<string>();
  const mountPoints = own.map(ownMount);
  using trees = new MountedTrees(root, mountPoints);
  for (const [i, { mount, device }] of own.entries()) {
    if (taken.has(device.name)) continue;
    taken.add(device.name);
    const usedBytes = usedBytesAt(mountPoints[i]?.path ?? "" as BytePath, trees);
    fileSystems.push(await readFileSystem(mount, { device, volume: volumeOf(device), usedBytes, run }));
  }
  fileSystems.sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);

  const others = devices.filter((d) => d.type === "part" && isOn(d, disks) && !taken.has(d.name));
  const { swap, unseen } = await readOthers(others, { devices, mounts, volumeOf, run });
  const atRoot = own.find(({ mount }) => mount.target === "/")?.mount;
  return {
    layout: { disks: tables, fileSystems, swap },
    mountPoints,
    unseen,
    ...(atRoot && !isWhole(atRoot) && { rootPart: displayPath(atRoot.part) }),
  };
}

/** Partitions without a file system that is captured. */
async function readOthers(
  others: readonly Device[],
  { devices, mounts, volumeOf, run }: {
    devices: readonly Device[];
    mounts: readonly MountEntry[];
    volumeOf: (device: Device) => Volume;
    run: Run;
  },
): Promise<{ swap: SwapArea[]; unseen: Unseen[] }> {
  const swap: SwapArea[] = [], unseen: Unseen[] = [];
  for (const device of others) {
    const facts = await probe(device.path, run);
    const type = facts.get("TYPE");
    if (type === "swap") swap.push({ volume: volumeOf(device), ...identityOf(facts) });
    else if (type !== undefined && !devices.some((d) => d.below.includes(device.name))) {
      unseen.push({ volume: volumeOf(device), type, because: reasonOf(device, mounts) });
    }
  }
  return { swap, unseen };
}

function ownMount({ mount: { id, target }, device }: ChosenMount): OwnMount {
  return { path: target.replace(/^\/+/, "") as BytePath, id, device: bytePathOfText(device.path) };
}

/** Of one that cannot be opened nothing is captured, which the capture notes. */
function usedBytesAt(path: BytePath, trees: MountedTrees): number {
  if (path === "") return usedBytesOf(trees.root.fd);
  try {
    using tree = trees.open(path);
    return usedBytesOf(tree.fd);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return 0;
  }
}

function reasonOf(device: Device, mounts: readonly MountEntry[]): Unseen["because"] {
  const mount = mounts.find(({ number, source }) => number === device.number || source === device.path);
  return mount === undefined ? "unmounted" : mount.type.startsWith("fuse") ? "served" : "hidden";
}

/** Disk 0 is the one that carries the root, so that it is the same whatever the kernel calls it. */
function ownDisks(
  own: readonly ChosenMount[],
  { devices, diskTypes }: { devices: readonly Device[]; diskTypes: readonly string[] },
): Device[] {
  const rootFirst = [...own].sort((a, b) => Number(b.mount.target === "/") - Number(a.mount.target === "/"));
  const names = new Set(rootFirst.flatMap(({ device }) => [device.name, ...device.below]));
  return [...names].flatMap((name) => devices.filter((d) => d.name === name && diskTypes.includes(d.type)));
}

function isOn(device: Device, disks: readonly Device[]): boolean {
  return disks.some((disk) => device.below.includes(disk.name));
}

async function readTable(disk: Device, run: Run): Promise<DiskTable> {
  const common = {
    name: disk.name,
    sizeBytes: disk.sizeBytes,
    sectorBytes: disk.sectorBytes === 4096 ? 4096 as const : 512 as const,
  };
  const kind = (await probe(disk.path, run)).get("PTTYPE");
  if (kind === undefined) return { ...common, table: "none", partitions: [] };
  return { ...common, ...parseSfdisk((await run(["sfdisk", "-J", disk.path])).stdout) };
}

function volume(
  device: Device,
  { disks, tables }: { disks: readonly Device[]; tables: readonly DiskTable[] },
): Volume {
  const disk = disks.findIndex((d) => d.name === device.name || device.below[0] === d.name);
  const parent = disks[disk];
  if (parent && device.name === parent.name) return { kind: "disk", disk };
  if (parent && device.type === "part") {
    const number = Number(/^p?(\d+)$/.exec(device.name.slice(parent.name.length))?.[1]);
    if (tables[disk]?.partitions.some((p) => p.number === number)) {
      return { kind: "partition", disk, number };
    }
  }
  if (device.type.startsWith("raid")) return { kind: "md", name: device.name };
  // "vg-lv", with hyphens inside a name doubled; other device-mapper volumes are refused under the same kind
  const [, group, name] = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(device.name) ?? [];
  if (device.type === "lvm" && group !== undefined && name !== undefined) {
    return { kind: "lv", group: group.replaceAll("--", "-"), name: name.replaceAll("--", "-") };
  }
  return { kind: "lv", group: device.type, name: device.name };
}

async function readFileSystem(
  mount: MountEntry,
  { device, volume, usedBytes, run }: { device: Device; volume: Volume; usedBytes: number; run: Run },
): Promise<FileSystem> {
  const facts = await probe(device.path, run);
  const bits = /^FAT(12|16|32)$/.exec(facts.get("VERSION") ?? "")?.[1];
  const ext = /^ext[234]$/.test(mount.type)
    ? parseDumpe2fs((await run(["dumpe2fs", "-h", device.path])).stdout)
    : undefined;
  return {
    volume,
    type: mount.type,
    ...identityOf(facts),
    mountPoint: textOf(mount.target) ?? displayPath(mount.target),
    mountOptions: mount.options,
    sizeBytes: device.sizeBytes,
    usedBytes,
    mkfs: {
      features: [...ext?.features ?? []],
      ...(ext && { blockBytes: ext.blockBytes, inodeBytes: ext.inodeBytes, inodes: ext.inodes }),
      ...(mount.type === "vfat" && bits !== undefined && { fatBits: Number(bits) as 12 | 16 | 32 }),
    },
  };
}

function identityOf(facts: ReadonlyMap<string, string>): { uuid?: string; label?: string } {
  const uuid = facts.get("UUID"), label = facts.get("LABEL");
  return { ...(uuid !== undefined && { uuid }), ...(label !== undefined && { label }) };
}

/** Low-level probing: asks the device itself and no cache. Exit 2: nothing that blkid knows. */
async function probe(path: string, run: Run): Promise<ReadonlyMap<string, string>> {
  return parseBlkid((await run(["blkid", "-p", "-o", "export", path], { accept: [0, 2] })).stdout);
}
