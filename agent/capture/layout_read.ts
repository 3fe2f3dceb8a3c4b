/** Reads the layout of the live machine's own disks: asks the programs, leaves the judging to `lacks.ts`. */
import type { DiskLayout, DiskTable, FileSystem, SwapArea, Volume } from "#contract/layout.ts";
import { readDisk } from "../install/disks.ts";
import type { Run } from "../sys/command.ts";
import {
  type Device,
  FINDMNT_COLUMNS,
  type MountedFileSystem,
  parseFindmnt,
  parseLsblk,
} from "./layout_devices.ts";
import { parseBlkid, parseDumpe2fs, parseSfdisk } from "./layout_table.ts";

export interface MachineLayout {
  readonly layout: DiskLayout;
  /** Where its own file systems are mounted, parents first: what a capture walks. */
  readonly mountPoints: readonly string[];
  /** Partitions that hold something which is not mounted, so that a capture does not see it. */
  readonly unseen: readonly { readonly volume: Volume; readonly type: string }[];
}

/**
 * `diskTypes`: lsblk's types that count as disks; image files on loop devices only where a test says so. `mounts`:
 * those of a system that does not run, as it would have them.
 */
export async function readLayout(
  { run, diskTypes = ["disk"], mounts }: {
    run: Run;
    diskTypes?: readonly string[];
    mounts?: readonly MountedFileSystem[];
  },
): Promise<MachineLayout> {
  const devices = parseLsblk((await run(["lsblk", "-J", "-b", "-O"])).stdout);
  const mounted = mounts ??
    parseFindmnt((await run(["findmnt", "-J", "-b", "-v", "-o", FINDMNT_COLUMNS])).stdout);
  const own = ownMounts(mounted, { devices, diskTypes });
  const disks = ownDisks(own, { devices, diskTypes });
  const tables = await Promise.all(disks.map((disk) => readTable(disk, run)));
  const volumeOf = (device: Device) => volume(device, { disks, tables });

  const fileSystems: FileSystem[] = [];
  const mountPoints: string[] = [];
  const taken = new Set<string>();
  for (const { mount, device } of own) {
    mountPoints.push(mount.target);
    if (taken.has(device.name)) continue;
    taken.add(device.name);
    fileSystems.push(await readFileSystem(mount, { device, volume: volumeOf(device), run }));
  }
  fileSystems.sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);

  const swap: SwapArea[] = [];
  const unseen: { volume: Volume; type: string }[] = [];
  for (const device of devices.filter((d) => d.type === "part" && isOn(d, disks) && !taken.has(d.name))) {
    const facts = await probe(device.path, run);
    const type = facts.get("TYPE");
    if (type === "swap") swap.push({ volume: volumeOf(device), ...identityOf(facts) });
    else if (type !== undefined && !devices.some((d) => d.below.includes(device.name))) {
      unseen.push({ volume: volumeOf(device), type });
    }
  }
  return { layout: { disks: tables, fileSystems, swap }, mountPoints: [...new Set(mountPoints)], unseen };
}

/** Mounts of whole file systems (or of subvolumes) on disks that belong to the machine. */
function ownMounts(
  mounts: readonly MountedFileSystem[],
  { devices, diskTypes }: { devices: readonly Device[]; diskTypes: readonly string[] },
): { mount: MountedFileSystem; device: Device }[] {
  const isDisk = (d: Device) => diskTypes.includes(d.type);
  return mounts.flatMap((mount) => {
    // btrfs mounts have a device number of their own
    const device = devices.find((d) => d.number === mount.number) ??
      devices.find((d) => d.path === mount.source);
    if (!device || (device.foreign && mount.target !== "/")) return [];
    if (mount.part !== "/" && mount.type !== "btrfs") return [];
    const below = device.below.map((name) => devices.find((d) => d.name === name));
    return isDisk(device) || below.some((d) => d && isDisk(d)) ? [{ mount, device }] : [];
  });
}

/** Disk 0 is the one that carries the root, so that it is the same whatever the kernel calls it. */
function ownDisks(
  own: readonly { mount: MountedFileSystem; device: Device }[],
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
    ...await linkNames(disk),
    sizeBytes: disk.sizeBytes,
    sectorBytes: disk.sectorBytes === 4096 ? 4096 as const : 512 as const,
  };
  const kind = (await probe(disk.path, run)).get("PTTYPE");
  if (kind === undefined) return { ...common, table: "none", partitions: [] };
  return { ...common, ...parseSfdisk((await run(["sfdisk", "-J", disk.path])).stdout) };
}

/** What the machine's files may call it. */
async function linkNames({ name }: Device): Promise<{ names?: string[] }> {
  const { names = [] } = await readDisk(name) ?? {};
  const usable = names.filter((n) => n.length <= 255 && !/\s/.test(n)).slice(0, 64);
  return usable.length > 0 ? { names: usable } : {};
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
  mount: MountedFileSystem,
  { device, volume, run }: { device: Device; volume: Volume; run: Run },
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
    mountPoint: mount.target,
    mountOptions: mount.options,
    sizeBytes: device.sizeBytes,
    usedBytes: mount.usedBytes,
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
