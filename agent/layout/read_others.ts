/** Reads the volumes of the machine's disks that are not captured: swap areas, and content that nobody mounts. */
import type { SwapArea, Volume } from "#contract/format/layout.ts";
import type { VolumeGroup } from "#contract/format/volumes.ts";
import type { Run } from "../sys/command.ts";
import type { MountEntry } from "../sys/mount_table.ts";
import type { Device } from "./block_devices.ts";
import { identityOf, probe } from "./device_probe.ts";
import type { CrypttabEntry } from "./luks/crypttab.ts";
import type { VolumeTree } from "./volume_tree.ts";

/** A volume that a capture does not see, and why. */
export interface Unseen {
  readonly volume: Volume;
  readonly type: string;
  /**
   * "served": a program mounts it (FUSE); "hidden": other own file systems cover its mount points; "inactive": a logical
   * volume without a device.
   */
  readonly because: "unmounted" | "served" | "hidden" | "inactive";
}

interface OtherReading {
  readonly devices: readonly Device[];
  readonly tree: VolumeTree;
  readonly groups: readonly VolumeGroup[];
  readonly mounts: readonly MountEntry[];
  /** The devices of the file systems that are captured. */
  readonly taken: ReadonlySet<Device>;
  readonly swaps: readonly Device[];
  readonly crypttab: readonly CrypttabEntry[];
  readonly run: Run;
  /** Receives what a clone will lack, as text. */
  readonly notes: string[];
}

export async function readOthers(reading: OtherReading): Promise<{ swap: SwapArea[]; unseen: Unseen[] }> {
  const { devices, tree, mounts, taken, run, swaps, notes } = reading;
  const swap: SwapArea[] = [], unseen: Unseen[] = [];
  for (const device of devices.filter((d) => !taken.has(d) && tree.isOnDisks(d))) {
    const volume = tree.place(device), isInUse = devices.some((d) => d.below.includes(device.name));
    if (volume === undefined) {
      if (swaps.includes(device)) notes.push(strangeSwap(device, reading));
      continue;
    }
    if (isInUse || !holdsContent(volume, reading.groups)) continue;
    const facts = await probe(device.path, run);
    const type = facts.get("TYPE");
    if (type === "swap") swap.push({ volume, ...identityOf(facts) });
    else if (type !== undefined) unseen.push({ volume, type, because: reasonOf(device, mounts) });
  }
  return { swap, unseen: [...unseen, ...inactive(reading)] };
}

/** Swap with a key that is made at each boot has no identity to keep: crypttab(5) makes it on a clone, too. */
function strangeSwap({ name, path }: Device, { tree, crypttab }: OtherReading): string {
  const entry = crypttab.find((one) => one.name === name);
  if (entry && /^\/dev\/u?random$/.test(entry.keyFile ?? "")) {
    return `the swap on ${path} gets a new key at each boot; a clone's /etc/crypttab makes its own on ${entry.device}`;
  }
  const device = tree.device(path);
  return `the swap on ${path} is not rebuilt: ${device ? tree.obstacleOf(device) : "its device is unknown"}`;
}

/** Not pools, nor snapshots, which are no part of a layout. */
function holdsContent(volume: Volume, groups: readonly VolumeGroup[]): boolean {
  if (volume.kind !== "lv") return true;
  const group = groups.find(({ name }) => name === volume.group);
  return group?.logical.some(({ name, type }) => name === volume.name && type !== "thin-pool") ?? false;
}

/** Logical volumes without a device; pools have none of their own name while they are in use. */
function inactive({ devices, tree, groups }: OtherReading): Unseen[] {
  const active = new Set(devices.map((device) => JSON.stringify(tree.place(device))));
  return groups.flatMap(({ name: group, logical }) =>
    logical.filter(({ type }) => type !== "thin-pool")
      .map(({ name }) => ({ kind: "lv" as const, group, name }))
      .filter((volume) => !active.has(JSON.stringify(volume)))
      .map((volume) => ({ volume, type: "unknown", because: "inactive" as const }))
  );
}

function reasonOf(device: Device, mounts: readonly MountEntry[]): Unseen["because"] {
  const mount = mounts.find(({ number, source }) => number === device.number || source === device.path);
  return mount === undefined ? "unmounted" : mount.type.startsWith("fuse") ? "served" : "hidden";
}
