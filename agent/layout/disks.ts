/** Reads the facts of this machine's disks from sysfs and /proc, afresh at each call. */
import type { DiskFacts, PartitionFacts } from "#contract/disk_facts.ts";
import { firstLine, namesIn } from "../sys/small_file.ts";
import { storageDrivers } from "../sys/storage_drivers.ts";
import { byIdNames, byPathName, type DiskPlace, transportOf } from "./disk_names.ts";
import { joinPaths, pathsOf, wwidOf } from "./disk_paths.ts";

/** The kernel's file systems; tests substitute their own. */
export interface KernelTrees {
  readonly sys: string;
  readonly proc: string;
  readonly dev: string;
}
export const KERNEL: KernelTrees = { sys: "/sys", proc: "/proc", dev: "/dev" };

/**
 * Whole disks that an install may consider; not RAM disks, loops, floppies, DVDs, MMC boot areas, slots without a
 * medium. A disk that is reached over several paths is listed once.
 */
export async function readDisks(trees: KernelTrees = KERNEL): Promise<DiskFacts[]> {
  const disks: DiskFacts[] = [];
  for (const name of (await namesIn(`${trees.sys}/block`)).filter(isDiskName)) {
    const [first = name] = await pathsOf(name, trees);
    const disk = first === name ? await readDisk(name, trees) : undefined;
    if (disk !== undefined && disk.sizeBytes > 0) disks.push(disk);
  }
  return disks;
}

function isDiskName(name: string): boolean {
  return !/^(loop|ram|zram|sr|fd|md|dm-|nbd|nullb|drbd|rbd|bcache|zd|mtdblock|mmcblk\d+(boot|rpmb|gp))/
    .test(name);
}

/** Returns undefined if there is no such block device. What is true of another path to the disk is true of it. */
export async function readDisk(name: string, trees: KernelTrees = KERNEL): Promise<DiskFacts | undefined> {
  const disk = await readPath(name, trees), paths = await pathsOf(name, trees);
  if (disk === undefined || paths.length < 2) return disk;
  const others = await Promise.all(
    paths.filter((path) => path !== name).map((path) => readPath(path, trees)),
  );
  return joinPaths(disk, others.filter((other) => other !== undefined));
}

async function readPath(name: string, trees: KernelTrees): Promise<DiskFacts | undefined> {
  const at = `${trees.sys}/block/${name}`;
  const number = await firstLine(`${at}/dev`);
  // NVMe multipath hides the paths behind the namespace's own device
  if (number === undefined || await firstLine(`${at}/hidden`) === "1") return undefined;
  const real = await Deno.realPath(at);
  const devicePath = real.slice((await Deno.realPath(trees.sys)).length);
  const model = await firstLine(`${at}/device/model`) ?? await firstLine(`${at}/device/name`);
  const serial = await firstLine(`${at}/serial`) ?? await firstLine(`${at}/device/serial`) ??
    await unitSerial(`${at}/device/vpd_pg80`);
  const place: DiskPlace = {
    devicePath,
    model,
    serial,
    wwid: await wwidOf(at),
    namespace: await firstLine(`${at}/nsid`),
    ataPort: await ataPort(real),
    firstHost: await firstHost(real),
  };
  const transport = transportOf(devicePath);
  const partitions = await readPartitions(real);
  const byPath = byPathName(place);
  const names = [...byPath ? [byPath] : [], ...byIdNames(place), ...await linksTo(name, trees)];
  const drivers = await storageDrivers([name], { sysfs: trees.sys });
  return {
    name,
    number,
    kind: name.startsWith("loop") ? "loop" : isDiskName(name) ? "disk" : "other",
    sizeBytes: await sizeOf(at),
    sectorBytes: Number(await firstLine(`${at}/queue/logical_block_size`) ?? 512),
    ...(model && { model }),
    ...(serial && { serial }),
    ...(transport && { transport }),
    ...(byPath && { byPath }),
    names: [...new Set(names)],
    // the kernel does not call a memory card removable
    removable: await firstLine(`${at}/removable`) === "1" || await firstLine(`${at}/device/type`) === "SD",
    readOnly: await firstLine(`${at}/ro`) === "1",
    uses: await usesOf([{ name, directory: real }, ...partitions], trees),
    partitions: partitions.map(({ directory: _, ...facts }) => facts),
    ...(drivers.length > 0 && { drivers }),
  };
}

/** sysfs counts units of 512 bytes, whatever the sector size. */
async function sizeOf(at: string): Promise<number> {
  return Number(await firstLine(`${at}/size`) ?? 0) * 512;
}

/** The device node of a disk, or of one of its partitions: /dev/sda3, /dev/nvme0n1p3. */
export function devicePath(name: string, partition?: number): string {
  if (partition === undefined) return `/dev/${name}`;
  return `/dev/${name}${/\d$/.test(name) ? "p" : ""}${partition}`;
}

/** The device nodes of all disks that can be written, and of their partitions. */
export function deviceNodes(disks: readonly Pick<DiskFacts, "name" | "readOnly" | "partitions">[]): string[] {
  return disks.filter((disk) => !disk.readOnly).flatMap(({ name, partitions }) => [
    devicePath(name),
    ...partitions.map(({ number }) => devicePath(name, number)),
  ]);
}

async function readPartitions(
  disk: string,
): Promise<(PartitionFacts & { readonly directory: string })[]> {
  const partitions: (PartitionFacts & { directory: string })[] = [];
  for await (const { name, isDirectory } of Deno.readDir(disk)) {
    const number = isDirectory ? await firstLine(`${disk}/${name}/partition`) : undefined;
    if (number === undefined) continue;
    partitions.push({
      name,
      number: Number(number),
      start512: Number(await firstLine(`${disk}/${name}/start`)),
      size512: Number(await firstLine(`${disk}/${name}/size`)),
      directory: `${disk}/${name}`,
    });
  }
  return partitions.sort((a, b) => a.number - b.number);
}

async function usesOf(
  parts: readonly { readonly name: string; readonly directory: string }[],
  { proc }: KernelTrees,
): Promise<string[]> {
  const mounts = (await Deno.readTextFile(`${proc}/self/mountinfo`)).split("\n");
  const swaps = (await Deno.readTextFile(`${proc}/swaps`)).split("\n").slice(1);
  const uses: string[] = [];
  for (const { name, directory } of parts) {
    const number = await firstLine(`${directory}/dev`);
    // proc_pid_mountinfo(5): id, parent, major:minor, root, mount point, …
    const mounted = mounts.map((m) => m.split(" ")).find((m) =>
      m[2] === number || m.includes(`/dev/${name}`)
    );
    if (mounted) uses.push(`${name} is mounted on ${mounted[4]}`);
    if (swaps.some((s) => s.split(/\s/)[0] === `/dev/${name}`)) uses.push(`${name} is swap in use`);
    for (const holder of await namesIn(`${directory}/holders`)) uses.push(`${name} is held by ${holder}`);
  }
  return uses;
}

/** udev's own links, if udev is running. */
async function linksTo(name: string, { dev }: KernelTrees): Promise<string[]> {
  const names: string[] = [];
  for (const kind of ["by-path", "by-id"]) {
    for (const link of await namesIn(`${dev}/disk/${kind}`)) {
      const target = await Deno.readLink(`${dev}/disk/${kind}/${link}`);
      if (target.split("/").at(-1) === name) names.push(`/dev/disk/${kind}/${link}`);
    }
  }
  return names.sort();
}

async function ataPort(disk: string): Promise<string | undefined> {
  const at = /^(.*\/(ata\d+))\//.exec(disk);
  return at ? await firstLine(`${at[1]}/ata_port/${at[2]}/port_no`) : undefined;
}

/** path_id counts SCSI hosts from the lowest one of the same controller. */
async function firstHost(disk: string): Promise<number | undefined> {
  const at = /^(.*)\/host\d+\//.exec(disk)?.[1];
  if (at === undefined) return undefined;
  const hosts = (await namesIn(at)).flatMap((e) => /^host(\d+)$/.exec(e)?.[1] ?? []).map(Number);
  return hosts.length > 0 ? Math.min(...hosts) : undefined;
}

/** SCSI vital product data page 80h: a four-byte header, then the serial number (SPC-4 §7.8.13). */
async function unitSerial(path: string): Promise<string | undefined> {
  try {
    const page = await Deno.readFile(path);
    // deno-lint-ignore no-control-regex -- padding is NUL or blank
    return Buffer.from(page.subarray(4)).toString("latin1").replace(/[\x00\s]+$/, "").trim() || undefined;
  } catch {
    return undefined;
  }
}
