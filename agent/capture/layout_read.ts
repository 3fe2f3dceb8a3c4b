/** Reads the layout of the live machine's own disks: asks the programs, leaves the judging to `lacks.ts`. */
import type { DiskLayout, DiskTable, FileSystem, SwapArea, Volume } from "#contract/layout.ts";
import type { Run } from "../sys/command.ts";
import {
  type Device,
  FINDMNT_COLUMNS,
  type MountedFileSystem,
  parseFindmnt,
  parseLsblk,
} from "./layout_devices.ts";
import { readFileSystem } from "./read_file_system.ts";
import { readTable } from "./read_table.ts";
import { identityOf, probe, type ReadStart, startOf } from "./device_probe.ts";

export interface MachineLayout {
  readonly layout: DiskLayout;
  /** Where its own file systems are mounted, parents first: what a capture walks. */
  readonly mountPoints: readonly string[];
  /** Partitions that hold something which is not mounted, so that a capture does not see it. */
  readonly unseen: readonly { readonly volume: Volume; readonly type: string }[];
  /** What of its tables and file systems a clone will lack, in words. */
  readonly notes: readonly string[];
}

/**
 * `diskTypes`: lsblk's types that count as disks; image files on loop devices only where a test says so. `mounts`:
 * those of a system that does not run, as it would have them.
 */
export async function readLayout(
  { run, diskTypes = ["disk"], mounts, readStart = startOf }: {
    run: Run;
    diskTypes?: readonly string[];
    mounts?: readonly MountedFileSystem[];
    readStart?: ReadStart;
  },
): Promise<MachineLayout> {
  const devices = parseLsblk((await run(["lsblk", "-J", "-b", "-O"])).stdout);
  const mounted = mounts ??
    parseFindmnt((await run(["findmnt", "-J", "-b", "-v", "-o", FINDMNT_COLUMNS])).stdout);
  const own = ownMounts(mounted, { devices, diskTypes });
  const disks = ownDisks(own, { devices, diskTypes });
  const notes: string[] = [];
  const tables = await Promise.all(disks.map((disk) => readTable(disk, { run, readStart, notes })));
  const volumeOf = (device: Device) => volume(device, { disks, tables });

  const fileSystems: FileSystem[] = [];
  const mountPoints: string[] = [];
  const taken = new Set<string>();
  for (const { mount, device } of own) {
    mountPoints.push(mount.target);
    if (taken.has(device.name)) continue;
    taken.add(device.name);
    fileSystems.push(
      await readFileSystem(mount, {
        device,
        volume: volumeOf(device),
        startSector: startSectorOf(volumeOf(device), tables),
        ...{ run, readStart, notes },
      }),
    );
  }
  noteUnknownPartitions(fileSystems, tables);
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
  return {
    layout: { disks: tables, fileSystems, swap },
    mountPoints: [...new Set(mountPoints)],
    unseen,
    notes,
  };
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

/** The kernel reads more kinds of tables than sfdisk writes, and tables inside of partitions. */
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
