/** Reads the layout of the machine's own disks. Whether a clone can be built from it, capture/bootability.ts decides. */
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import type { DiskLayout, DiskTable, FileSystem, SwapArea, Volume } from "#contract/format/layout.ts";
import type { Run } from "../sys/command.ts";
import { SysError } from "../sys/errno.ts";
import { usedBytesOf } from "../sys/libc.ts";
import { type MountEntry, readMountTable } from "../sys/mount_table.ts";
import { identityOf, probe, type ReadStart, startOf } from "./device_probe.ts";
import { type Device, LSBLK, parseLsblk } from "./block_devices.ts";
import { MountedTrees } from "./mounts/mounted_trees.ts";
import { chooseMounts, type ChosenMount, isWhole, type OwnMount } from "./mounts/own_mounts.ts";
import { readFileSystem } from "./read_file_system.ts";
import { readTable } from "./read_table.ts";

export interface MachineLayout {
  readonly layout: DiskLayout;
  /** The machine's own file systems and where they are mounted: what a capture walks. */
  readonly mountPoints: readonly OwnMount[];
  /** Partitions with content that a capture does not see. */
  readonly unseen: readonly Unseen[];
  /** What a clone's tables and file systems will lack, as text. */
  readonly notes: readonly string[];
}

/** A volume that a capture does not see, and why. */
export interface Unseen {
  readonly volume: Volume;
  readonly type: string;
  /** "served": a program mounts it (FUSE); "hidden": other own file systems cover its mount points. */
  readonly because: "unmounted" | "served" | "hidden";
}

/**
 * `diskTypes`: lsblk's types that count as disks; tests add loop devices. `mounts`: the system's mount table; `root`:
 * where that system's root is.
 *
 * @example
 * ```ts
 * import { runCommand } from "../sys/command.ts";
 *
 * async function example() {
 *   const { layout, notes } = await readLayout({ run: runCommand });
 *   for (const { mountPoint, type } of layout.fileSystems) console.log(mountPoint, type);
 *   for (const note of notes) console.log(`a clone will differ: ${note}`);
 * }
 * ```
 */
export async function readLayout(
  { run, diskTypes = ["disk"], root = "/", mounts = readMountTable(), readStart = startOf }: {
    run: Run;
    diskTypes?: readonly string[];
    root?: string;
    mounts?: readonly MountEntry[];
    readStart?: ReadStart;
  },
): Promise<MachineLayout> {
  const devices = parseLsblk((await run(LSBLK)).stdout);
  const own = chooseMounts(mounts, { devices, diskTypes });
  const disks = ownDisks(own, { devices, diskTypes });
  const notes: string[] = [];
  const tables = await Promise.all(disks.map((disk) => readTable(disk, { run, readStart, notes })));
  const volumeOf = (device: Device) => volume(device, { disks, tables });

  const fileSystems: FileSystem[] = [];
  const taken = new Set<string>();
  const mountPoints = own.map(ownMount);
  using trees = new MountedTrees(root, mountPoints);
  for (const [i, { mount, device }] of own.entries()) {
    if (taken.has(device.name)) continue;
    taken.add(device.name);
    fileSystems.push(
      await readFileSystem(mount, {
        device,
        volume: volumeOf(device),
        startSector: startSectorOf(volumeOf(device), tables),
        usedBytes: usedBytesAt(mountPoints[i]?.path ?? "" as BytePath, trees),
        run,
        readStart,
        notes,
      }),
    );
  }
  noteUnknownPartitions(fileSystems, tables);
  fileSystems.sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);

  const others = devices.filter((d) => d.type === "part" && isOn(d, disks) && !taken.has(d.name));
  const { swap, unseen } = await readOthers(others, { devices, mounts, volumeOf, run });
  const atRoot = own.find(({ mount }) => mount.target === "/")?.mount;
  if (atRoot && !isWhole(atRoot)) {
    const part = displayPath(atRoot.part);
    notes.push(`only ${part} of its file system is the machine's root: not supported by this version yet`);
  }
  return { layout: { disks: tables, fileSystems, swap }, mountPoints, unseen, notes };
}

/** Reads the partitions that are not captured: swap areas, and unseen content. */
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

/** Returns 0 for a file system that cannot be opened: the capture leaves it out and notes it. */
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

/** Disk 0 is the one with the root file system, whatever the kernel calls it. */
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
  // "vg-lv", with hyphens in names doubled; other device-mapper volumes get the same kind, and are refused
  const [, group, name] = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(device.name) ?? [];
  if (device.type === "lvm" && group !== undefined && name !== undefined) {
    return { kind: "lv", group: group.replaceAll("--", "-"), name: name.replaceAll("--", "-") };
  }
  return { kind: "lv", group: device.type, name: device.name };
}

/** Marks tables with partitions that only the kernel finds: it reads more formats than sfdisk, and nested tables. */
function noteUnknownPartitions(fileSystems: readonly FileSystem[], tables: DiskTable[]): void {
  for (const { volume } of fileSystems) {
    const table = volume.kind === "lv" && volume.group === "part" &&
      tables.find(({ name }) => volume.name.startsWith(name));
    if (table) table.obstacle ??= `sfdisk does not find the partition ${volume.name} in its table`;
  }
}

function startSectorOf(volume: Volume, tables: readonly DiskTable[]): number | undefined {
  if (volume.kind !== "partition") return volume.kind === "disk" ? 0 : undefined;
  return tables[volume.disk]?.partitions.find((p) => p.number === volume.number)?.startSector;
}
