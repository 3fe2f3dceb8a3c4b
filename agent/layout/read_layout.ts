/** Reads the layout of the machine's own disks. Whether a clone can be built from it, capture/bootability.ts decides. */
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import type { DiskLayout, DiskTable, FileSystem, Volume } from "#contract/format/layout.ts";
import type { Run } from "../sys/command.ts";
import { SysError } from "../sys/errno.ts";
import { usedBytesOf } from "../sys/libc.ts";
import { type MountEntry, readMountTable } from "../sys/mount_table.ts";
import { namesIn, textOf } from "../sys/small_file.ts";
import { type ReadStart, startOf } from "./device_probe.ts";
import { type Device, LSBLK, parseLsblk, withOnePath, withoutSnapshots } from "./block_devices.ts";
import { KERNEL, type KernelTrees } from "./disks.ts";
import type { CrypttabEntry } from "./luks/crypttab.ts";
import { MountedTrees, type OpenTree } from "./mounts/mounted_trees.ts";
import { chooseMounts, type ChosenMount, isWhole, type OwnMount } from "./mounts/own_mounts.ts";
import { withSubvolumes } from "./mounts/subvolumes.ts";
import { readFileSystem } from "./read_file_system.ts";
import { readOthers, type Unseen } from "./read_others.ts";
import { readTable } from "./read_table.ts";
import { readVolumes } from "./read_volumes.ts";
import { VolumeTree } from "./volume_tree.ts";

export interface MachineLayout {
  readonly layout: DiskLayout;
  /** The machine's own file systems and where they are mounted: what a capture walks. */
  readonly mountPoints: readonly OwnMount[];
  /** Volumes with content that a capture does not see. */
  readonly unseen: readonly Unseen[];
  /** What a clone's tables, volumes and file systems will lack, as text. */
  readonly notes: readonly string[];
}

interface LayoutOptions {
  readonly run: Run;
  /** lsblk's types that count as disks; tests add loop devices. */
  readonly diskTypes?: readonly string[];
  /** Where the system's root is. */
  readonly root?: string;
  /** The system's mount table. */
  readonly mounts?: readonly MountEntry[];
  /** The devices that it swaps to. Default: those in use. */
  readonly swapDevices?: readonly string[];
  /** Its crypttab(5). */
  readonly crypttab?: readonly CrypttabEntry[];
  /** An argument of LVM's --config, to see other devices than it is set up to use. */
  readonly lvmConfig?: string;
  /** Snapshots in memory that stand in for devices: "/dev/dm-0" for "/dev/sda2". */
  readonly snapshots?: ReadonlyMap<string, string>;
  readonly readStart?: ReadStart;
  readonly trees?: KernelTrees;
}

/**
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
export async function readLayout(options: LayoutOptions): Promise<MachineLayout> {
  const { run, diskTypes = ["disk"], root = "/", mounts = readMountTable(), crypttab = [] } = options;
  const { readStart = startOf, trees = KERNEL } = options;
  const listed = parseLsblk((await run(LSBLK)).stdout);
  const devices = withOnePath(withoutSnapshots(listed, options.snapshots ?? new Map()));
  const own = chooseMounts(mounts, { devices, diskTypes });
  const volumes = await readVolumes(devices, { ...options, readStart, sys: trees.sys });
  const tree = new VolumeTree({ devices, volumes, diskTypes, crypttab });
  const swaps = (options.swapDevices ?? swapsInUse(await textOf(`${trees.proc}/swaps`) ?? ""))
    .flatMap((path) => tree.device(path) ?? []).filter(({ foreign }) => !foreign);
  const disks = tree.disksBelow([...await rootFirst(own, { devices, sys: trees.sys }), ...swaps]);
  const notes: string[] = [];
  const tables = await Promise.all(disks.map((disk) => readTable(disk, { run, readStart, notes })));
  tree.setDisks(disks, tables);

  const mountPoints = own.map(ownMount);
  const placed = tree.placed({ isMounted: (path) => own.some(({ device }) => device.path === path) });
  notes.push(...placed.notes);
  const fileSystems = await readOwn(own, {
    ...options,
    tree,
    tables,
    mountPoints,
    root,
    readStart,
    notes,
    devices,
    sys: trees.sys,
  });
  noteUnknownPartitions(fileSystems, { tree, disks, tables });
  const taken = new Set(fileSystems.flatMap(({ devices }) => devices));
  const { swap, unseen } = await readOthers({
    devices,
    tree,
    groups: placed.groups,
    mounts,
    taken,
    swaps,
    crypttab,
    run,
    notes,
  });
  const atRoot = own.find(({ mount }) => mount.target === "/")?.mount;
  if (atRoot && !isWhole(atRoot)) {
    const part = displayPath(atRoot.part);
    notes.push(`only ${part} of its file system is the machine's root: not supported by this version yet`);
  }
  const { arrays, encrypted, groups } = placed;
  const sorted = fileSystems.map(({ fileSystem }) => fileSystem)
    .sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);
  const subvolumes = withSubvolumes(mountPoints, sorted);
  notes.push(...subvolumes.notes);
  return {
    layout: {
      disks: tables,
      ...(arrays.length > 0 && { arrays }),
      ...(encrypted.length > 0 && { encrypted }),
      ...(groups.length > 0 && { groups }),
      fileSystems: sorted,
      swap,
    },
    mountPoints: subvolumes.mountPoints,
    unseen,
    notes,
  };
}

/** The devices of the machine's own file systems, the root's before all others: they decide the order of the disks. */
async function rootFirst(
  own: readonly ChosenMount[],
  { devices, sys }: { devices: readonly Device[]; sys: string },
): Promise<Device[]> {
  const sorted = [...own].sort((a, b) => Number(b.mount.target === "/") - Number(a.mount.target === "/"));
  const all = await Promise.all(
    sorted.map(({ mount, device }) => spannedBy(mount, { device, devices, sys })),
  );
  return all.flat();
}

/** The device, and the other devices of a btrfs that spans several. */
async function spannedBy(
  { type }: MountEntry,
  { device, devices, sys }: { device: Device; devices: readonly Device[]; sys: string },
): Promise<Device[]> {
  if (type !== "btrfs") return [device];
  for (const uuid of await namesIn(`${sys}/fs/btrfs`)) {
    const names = await namesIn(`${sys}/fs/btrfs/${uuid}/devices`);
    if (!names.includes(device.kernelName)) continue;
    return [device, ...devices.filter((d) => d !== device && names.includes(d.kernelName))];
  }
  return [device];
}

interface OwnReading extends LayoutOptions {
  readonly tree: VolumeTree;
  readonly tables: readonly DiskTable[];
  readonly mountPoints: readonly OwnMount[];
  readonly root: string;
  readonly readStart: ReadStart;
  readonly notes: string[];
  readonly devices: readonly Device[];
  readonly sys: string;
}

/** Each of the machine's own file systems, with the devices that it lies on. */
async function readOwn(
  own: readonly ChosenMount[],
  { tree, tables, mountPoints, root, run, readStart, notes, devices, sys }: OwnReading,
): Promise<{ fileSystem: FileSystem; devices: readonly Device[] }[]> {
  const found: { fileSystem: FileSystem; devices: readonly Device[] }[] = [];
  using trees = new MountedTrees(root, mountPoints);
  for (const first of own) {
    if (found.some((known) => known.devices.includes(first.device))) continue;
    const spanned = await spannedBy(first.mount, { device: first.device, devices, sys });
    // of several mounts of a btrfs, the root or else the one that others may be mounted in
    const mounted = own.filter(({ device }) => spanned.includes(device))
      .sort((a, b) => a.mount.target < b.mount.target ? -1 : 1);
    const { mount, device } = mounted[0] ?? first;
    const volume = tree.placeOr(device, device.name);
    const withTree = <T>(use: (fd: number) => T) => opened(ownMount({ mount, device }).path, { trees, use });
    const read = await readFileSystem(mount, {
      device,
      volume,
      startSector: startSectorOf(volume, tables),
      usedBytes: withTree(usedBytesOf) ?? 0,
      btrfs: {
        members: spanned.map((d) => ({ device: d, volume: tree.placeOr(d, d.name) })),
        mounts: mounted.map(({ mount }) => mount),
        withTree,
      },
      run,
      readStart,
      notes,
    });
    const obstacle = read.obstacle ?? spanned.map((d) => tree.obstacleOf(d)).find((one) => one !== undefined);
    found.push({ fileSystem: { ...read, ...(obstacle !== undefined && { obstacle }) }, devices: spanned });
  }
  return found;
}

function ownMount({ mount: { id, target }, device }: ChosenMount): OwnMount {
  return { path: target.replace(/^\/+/, "") as BytePath, id, device: bytePathOfText(device.path) };
}

/** Undefined for a file system that cannot be opened: the capture leaves it out and notes it. */
function opened<T>(
  path: BytePath,
  { trees, use }: { trees: MountedTrees; use: (fd: number) => T },
): T | undefined {
  if (path === "") return use(trees.root.fd);
  let tree: OpenTree;
  try {
    tree = trees.open(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return undefined;
  }
  using open = tree;
  return use(open.fd);
}

/** Parses proc_swaps(5); files are not devices. */
function swapsInUse(swaps: string): string[] {
  return swaps.split("\n").slice(1).map((line) => line.split(/\s+/))
    .flatMap(([path = "", type]) => type === "partition" ? [path] : []);
}

/** Marks tables with partitions that only the kernel finds: it reads more formats than sfdisk, and nested tables. */
function noteUnknownPartitions(
  fileSystems: readonly { readonly devices: readonly Device[] }[],
  { tree, disks, tables }: {
    tree: VolumeTree;
    disks: readonly Device[];
    tables: readonly DiskTable[];
  },
): void {
  for (const device of fileSystems.flatMap(({ devices }) => devices)) {
    const table = tables[disks.findIndex(({ name }) => name === device.below[0])];
    if (table) table.obstacle ??= tree.obstacleOf(device);
  }
}

/** Undefined if it is not on a partition or disk, whose start its boot sector could repeat. */
function startSectorOf(volume: Volume, tables: readonly DiskTable[]): number | undefined {
  if (volume.kind !== "partition") return volume.kind === "disk" ? 0 : undefined;
  return tables[volume.disk]?.partitions.find((p) => p.number === volume.number)?.startSector;
}
