/** What `readMachine` reports of a running machine, read from a system that is mounted but not running. */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { type Architecture, architectureOfElf } from "#contract/architectures.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { describeVolume } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { bootFacts } from "../capture/boot_facts.ts";
import { noteDisks } from "../capture/disk_notes.ts";
import { kernelPaths } from "#contract/distributions.ts";
import type { AssembledVolume } from "../layout/assemble/assembled_volume.ts";
import { parseCrypttab } from "../layout/luks/crypttab.ts";
import { lvmConfig } from "../layout/lvm/config.ts";
import { readLayout } from "../layout/read_layout.ts";
import { distributionOf, newestFirst, parseOsRelease } from "../capture/machine.ts";
import { findSwapFiles } from "../capture/swap_files.ts";
import { readRange } from "../tree/file_range.ts";
import { ForeignTree } from "../tree/tree_files.ts";
import type { OwnMount } from "../layout/mounts/own_mounts.ts";
import type { Run } from "../sys/command.ts";
import { type MountEntry, readMountTable } from "../sys/mount_table.ts";
import type { SystemMount } from "./mount_system.ts";

export interface StillMachine {
  readonly source: Source;
  readonly layout: DiskLayout;
  readonly mountPoints: readonly OwnMount[];
  /** Partitions with content that is not mounted. Human-readable. */
  readonly unseen: readonly string[];
  /** What a clone will lack or name wrongly of disks, tables and file systems. Human-readable. */
  readonly notes: readonly string[];
}

export async function readStillMachine(
  mounts: readonly SystemMount[],
  { at, firmware, volumes, swapDevices, snapshots, run, diskTypes }: {
    at: string;
    firmware: "bios" | "uefi";
    volumes: readonly AssembledVolume[];
    swapDevices: readonly string[];
    snapshots: ReadonlyMap<string, string>;
    run: Run;
    diskTypes?: readonly string[] | undefined;
  },
): Promise<StillMachine> {
  const table = readMountTable(), tree = new ForeignTree(at);
  const physical = volumes.filter(({ facts }) => facts.get("TYPE") === "LVM2_member");
  const { layout, mountPoints, unseen, notes } = await readLayout({
    run,
    root: at,
    swapDevices,
    snapshots,
    crypttab: parseCrypttab(await tree.text("/etc/crypttab") ?? ""),
    // not the snapshots in memory that it is active on
    lvmConfig: lvmConfig(physical.map(({ device }) => device)),
    ...(diskTypes && { diskTypes }),
    mounts: await Promise.all(mounts.map((mount) => asItsOwn(mount, table))),
  });
  const source = await readSource(tree, firmware);
  const found = { ...layout, swapFiles: await findSwapFiles(tree, { run }) };
  const boot = await bootFacts(tree, { layout: found, source, run });
  const whole = { ...found, ...(boot && { boot }) };
  return {
    source,
    layout: whole,
    mountPoints,
    unseen: unseen.map(({ volume, type }) =>
      `left out, the system does not mount it: ${describeVolume(volume)} (${type})`
    ),
    notes: [...notes, ...await noteDisks(tree, whole)],
  };
}

/** The mount as the system itself would see it, even if its journal was replayed on a snapshot. */
async function asItsOwn(
  { device, type, options, mountPoint, at }: SystemMount,
  table: readonly MountEntry[],
): Promise<MountEntry> {
  const real = bytePathOfText(await Deno.realPath(at));
  const mount = table.findLast(({ target }) => target === real);
  if (mount === undefined) throw new RangeError(`nothing is mounted on ${at}`);
  return {
    ...mount,
    source: device,
    target: bytePathOfText(mountPoint),
    type,
    options,
    number: "",
  };
}

/** By a program that every system has. */
async function architectureOfTree(tree: ForeignTree): Promise<Architecture | undefined> {
  for (const path of ["/bin/sh", "/usr/bin/env", "/sbin/init"]) {
    const at = await tree.file(path);
    if (at === undefined) continue;
    using file = await Deno.open(at);
    const found = architectureOfElf(await readRange(file, { offset: 0, size: 64 }));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readSource(tree: ForeignTree, firmware: "bios" | "uefi"): Promise<Source> {
  const release = parseOsRelease(
    await tree.text("/etc/os-release") ?? await tree.text("/usr/lib/os-release") ?? "",
  );
  const kernels: string[] = [], withImage: string[] = [];
  for (const path of await tree.list("/lib/modules")) {
    const name = path.slice(path.lastIndexOf("/") + 1).slice(0, 128);
    if (await tree.kind(`${path}/modules.dep`) === undefined) continue;
    kernels.push(name);
    const images = await Promise.all(kernelPaths(name).map((image) => tree.kind(image)));
    if (images.some((kind) => kind !== undefined)) withImage.push(name);
  }
  // prefer the running kernel, if the system has it too
  const running = Deno.osRelease();
  const kernel = withImage.includes(running) ? running : newestFirst(withImage)[0] ?? running;
  return {
    hostname: ((await tree.text("/etc/hostname"))?.trim() ?? "").slice(0, 255),
    ...distributionOf(release),
    architecture: await architectureOfTree(tree) ?? Deno.build.arch,
    firmware,
    kernel,
    kernels: newestFirst(kernels).slice(0, 64),
  };
}
