/** Mounts a system that is not running, with all file systems of its fstab, and writes to none of its disks. */
import { RackseedError } from "#contract/errors.ts";
import type { Excludes } from "../tree/excludes.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { ForeignTree } from "../tree/tree_files.ts";
import type { Run } from "../sys/command.ts";
import { type AssembledVolume, isPart } from "../layout/assemble/assembled_volume.ts";
import { parseCrypttab } from "../layout/luks/crypttab.ts";
import type { FoundRoot } from "./find_root.ts";
import {
  type FstabEntry,
  type Labelled,
  parseFstab,
  parseSwapSpecs,
  resolveSpec,
} from "../disk_references/fstab.ts";
import { namesOf } from "./volume_names.ts";
import { deviceOptions } from "../install/disk/btrfs_subvolumes.ts";
import { mountUnwritten } from "./unwritten_mount.ts";

export interface SystemMount {
  /** The real device, even if a snapshot of it was mounted: "/dev/vda2". */
  readonly device: string;
  readonly type: string;
  /** From the system's own fstab. */
  readonly options: string;
  /** As the system sees it: "/srv". */
  readonly mountPoint: string;
  /** Where it is mounted now. */
  readonly at: string;
}

interface MountedSystem {
  readonly mounts: readonly SystemMount[];
  /** The devices that it swaps to. */
  readonly swapDevices: readonly string[];
  /** What was left out, or had to be done to read it. Human-readable. */
  readonly notes: readonly string[];
}

interface SystemOptions {
  readonly node: string;
  /** Of all its disks, write-protected. */
  readonly volumes: readonly AssembledVolume[];
  readonly excludes: Excludes;
  readonly at: string;
  /** Takes the mounts. */
  readonly stack: AsyncDisposableStack;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if a file system of the system cannot be mounted. */
export async function mountSystem(root: FoundRoot, options: SystemOptions): Promise<MountedSystem> {
  const { at } = options;
  const notes: string[] = [];
  const data = root.subvolume === "" ? "" : `subvol=${root.subvolume}`;
  const mount = async ({ data, ...what }: SystemMount & { data: string }): Promise<SystemMount> => {
    const devices = deviceOptions(spannedBy(what, options.volumes));
    const { replayed } = await mountUnwritten(what.at, {
      ...options,
      source: what.device,
      ...what,
      data: [data, ...devices].filter(Boolean).join(","),
    });
    const which = `${what.mountPoint} (${what.device})`;
    if (replayed) {
      notes.push(`${which} was in use when the machine stopped: its journal was replayed in memory`);
    }
    return what;
  };
  const { device, type } = root;
  const mounts = [await mount({ device, type, options: "defaults", mountPoint: "/", at, data })];
  const crypttab = parseCrypttab(await new ForeignTree(at).text("/etc/crypttab") ?? "");
  const volumes = options.volumes.filter((volume) => !isPart(volume))
    .map((volume) => ({ ...volume, number: volume.number, names: namesOf(volume, crypttab) }));
  for (const entry of parseFstab(root.fstab)) {
    const volume = volumeOf(entry, { ...options, volumes, notes });
    if (volume === undefined) continue;
    const place = await placeOf(entry, options);
    const type = volume.facts.get("TYPE") ?? entry.type;
    const { device } = volume;
    mounts.push(
      await mount({ device, type, options: entry.options.join(), ...place, data: dataOf(type, entry) }),
    );
  }
  const swapDevices = parseSwapSpecs(root.fstab).flatMap((spec) => {
    const found = resolveSpec(spec, volumes);
    return "volume" in found ? [found.volume.device] : [];
  });
  return { mounts, swapDevices, notes };
}

/** All devices of a btrfs that spans several: they have its UUID in common. */
function spannedBy({ device, type }: SystemMount, volumes: readonly AssembledVolume[]): string[] {
  const uuid = volumes.find((volume) => volume.device === device)?.facts.get("UUID");
  if (type !== "btrfs" || uuid === undefined) return [device];
  const others = volumes.filter(({ facts }) => facts.get("TYPE") === "btrfs" && facts.get("UUID") === uuid);
  return [device, ...others.map((volume) => volume.device).filter((other) => other !== device)];
}

/** Undefined, with a note, if the running system would be without it too; undefined if it is excluded. */
function volumeOf(
  entry: FstabEntry,
  { node, excludes, volumes, notes }: Pick<SystemOptions, "node" | "excludes"> & {
    volumes: readonly Labelled[];
    notes: string[];
  },
): Labelled | undefined {
  const { spec, mountPoint, options } = entry;
  const found = resolveSpec(spec, volumes);
  if (options.includes("noauto")) {
    if ("volume" in found) {
      notes.push(`left out, it is not mounted at boot (noauto): ${mountPoint} (${spec})`);
    }
    return undefined;
  }
  if (isExcluded(mountPoint, excludes)) return undefined;
  if ("volume" in found) return found.volume;
  if (options.includes("nofail")) {
    notes.push(`left out, ${found.because}: ${mountPoint} (${spec})`);
    return undefined;
  }
  throw incomplete(entry, { node, because: `${spec}: ${found.because}` });
}

/** Whether it, or a directory above it, is excluded. */
function isExcluded(mountPoint: string, excludes: Excludes): boolean {
  const names = mountPoint.slice(1).split("/");
  return names.some((_, i) =>
    excludes.matches(bytePathOfText(names.slice(0, i + 1).join("/")), { isDirectory: true })
  );
}

/** Follows no link out of the system, and makes nothing in it. */
async function placeOf(
  entry: FstabEntry,
  { node, at }: SystemOptions,
): Promise<{ mountPoint: string; at: string }> {
  const real = await new ForeignTree(at).directory(entry.mountPoint);
  if (real !== undefined) return { mountPoint: real.slice((await Deno.realPath(at)).length), at: real };
  throw incomplete(entry, { node, because: "there is no such directory" });
}

function incomplete({ mountPoint }: FstabEntry, { node, because }: { node: string; because: string }) {
  return new RackseedError(`cannot back up ${node} with its ${mountPoint}`, {
    reason: `the system's /etc/fstab lists it, but ${because}.`,
    remedy: `leave it out: rackseed node backup ${node} --at-boot --exclude ${mountPoint}`,
    status: 409,
  });
}

/** The mount options that decide which names and owners a file system shows. */
function dataOf(type: string, { options }: FstabEntry): string {
  const says = type === "btrfs"
    ? /^subvol(id)?=/
    : type === "vfat"
    ? /^((u|d|f)mask|uid|gid|iocharset|codepage|shortname|utf8)(=|$)/
    : /$^/;
  return options.filter((option) => says.test(option)).join();
}
