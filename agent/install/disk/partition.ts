/** Carries out the destructive part of a plan on a proven disk: table, file systems, swap. Then mounts them. */
import { RackseedError } from "#contract/errors.ts";
import { describeVolume } from "#contract/format/layout.ts";
import { PROTECTIVE_MARK } from "../../layout/properties/disk_start.ts";
import { forgetDevices } from "../../sys/btrfs.ts";
import { Mount, MS } from "../../sys/mount.ts";
import { together } from "../../sys/together.ts";
import { readDisk } from "../../layout/disks.ts";
import { deviceOptions, makeSubvolumes, openSubvolumes } from "./btrfs_subvolumes.ts";
import type { CarryOut } from "./carry_out.ts";
import { isUnsound } from "./check_file_system.ts";
import type { TargetDisks } from "./guard.ts";
import { wipeDisk } from "./wipe.ts";
import { type Action, type ActionOf, actionsOf, type Plan } from "#plan/actions.ts";
import type { Formatting } from "#plan/plan_format.ts";
import { sfdiskScript } from "#plan/plan_table.ts";

type PartitionAction = Extract<Action, { do: "partition" }>;

/**
 * Writes the table (or erases a disk that gets none) and returns once the kernel knows every partition.
 * `keepContents`: writes only the table; the contents of the partitions stay.
 */
export async function partitionDisk(
  target: TargetDisks,
  { plan, run, signal, keepContents = false }: CarryOut & {
    readonly plan: Plan;
    readonly keepContents?: boolean;
  },
): Promise<void> {
  if (!keepContents) await wipeDisks(target, { plan, run, signal });
  await together(
    actionsOf(plan, "partition").map((action) => () =>
      writeTable(target, { action, keepContents, run, signal })
    ),
  );
}

async function writeTable(
  target: TargetDisks,
  { action, keepContents, run, signal }: CarryOut & {
    readonly action: PartitionAction;
    readonly keepContents: boolean;
  },
): Promise<void> {
  const wipe = keepContents ? "never" : "always";
  const device = target.whole(action.disk), title = `cannot partition ${device}`;
  await run(
    ["sfdisk", "--quiet", "--wipe", wipe, "--wipe-partitions", wipe, device],
    { input: sfdiskScript(action), signal, title, remedy: "check the disk's health (`dmesg`, SMART)." },
  );
  if (action.gpt?.protectiveBoot) await markProtectiveBoot(device);
  await settle(target, { action, run, signal });
}

/** All of them before the first table: an array of an earlier life may lie on several. */
async function wipeDisks(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { readonly plan: Plan },
): Promise<void> {
  const ranges = new Map(actionsOf(plan, "wipe").map((action) => [action.disk, action.ranges]));
  const written = [...actionsOf(plan, "erase"), ...actionsOf(plan, "partition")].map(({ disk }) => disk);
  await together(
    [...new Set([...ranges.keys(), ...written])].map((disk) => () =>
      wipeDisk(target, { disk, ranges: ranges.get(disk), run, signal })
    ),
  );
}

/** sfdisk(8) before 2.37 cannot do this. The next look at the table reads the sector back. */
async function markProtectiveBoot(device: string): Promise<void> {
  const { at, active } = PROTECTIVE_MARK;
  using disk = await Deno.open(device, { write: true });
  await disk.seek(at, Deno.SeekMode.Start);
  await disk.write(new Uint8Array([active]));
  await disk.sync();
}

/**
 * sfdisk asks the kernel to read the table again. If the kernel does not know the table's format, or the device was
 * busy for a moment, partx announces the partitions instead.
 */
async function settle(
  target: TargetDisks,
  { action, run, signal }: CarryOut & { readonly action: PartitionAction },
): Promise<void> {
  const device = target.whole(action.disk);
  if (!await kernelKnows(target, action)) {
    await run(["partx", "--delete", device], { accept: [0, 1], signal });
    await run(["partx", "--add", device], { signal, title: `cannot make the partitions of ${device} known` });
  }
  const deadline = performance.now() + 15_000;
  while (!await kernelKnows(target, action)) {
    if (performance.now() > deadline) {
      throw new RackseedError(`cannot use the new partitions of ${device}`, {
        reason: "the kernel does not show them as they were written.",
        remedy: "see `dmesg`; restart the machine and deploy again.",
      });
    }
    signal?.throwIfAborted();
    // sysfs and devtmpfs have no event to wait for
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Whether the kernel shows the partitions exactly as planned; `others`: there may be more. */
export async function kernelKnows(
  target: TargetDisks,
  { disk, partitions, sectorBytes }: PartitionAction,
  { others = false }: { others?: boolean } = {},
): Promise<boolean> {
  const known = (await readDisk(target.facts(disk).name))?.partitions ?? [];
  if (!others && known.length !== partitions.length) return false;
  for (const { number, startSector, sectors, type } of partitions) {
    const scale = sectorBytes / 512;
    const match = known.find((k) => k.number === number);
    // the kernel shows only the start of an extended partition
    const sized = isExtended(type) || match?.size512 === sectors * scale;
    if (match?.start512 !== startSector * scale || !sized) return false;
    try {
      if (!(await Deno.stat(target.device({ kind: "partition", disk, number }))).isBlockDevice) return false;
    } catch {
      return false;
    }
  }
  return true;
}

function isExtended(type: string): boolean {
  return /^0?(5|f|85)$/i.test(type);
}

export async function formatDisk(
  target: TargetDisks,
  { plan, run, signal, onFormat }: CarryOut & {
    readonly plan: Plan;
    readonly onFormat: (what: string) => void;
  },
): Promise<void> {
  const make = async ({ formatting }: ActionOf<"format">) => {
    onFormat(`${describeVolume(formatting.volume)} as ${formatting.type}`);
    await format(target, { formatting, run, signal });
  };
  const actions = actionsOf(plan, "format");
  await together(actions.filter((action) => !isBtrfs(action)).map((action) => () => make(action)));
  // the kernel's list of btrfs devices is one for all file systems
  for (const action of actions.filter(isBtrfs)) await make(action);
}

function isBtrfs({ formatting }: ActionOf<"format">): boolean {
  return formatting.type === "btrfs";
}

async function format(
  target: TargetDisks,
  { formatting, run, signal }: CarryOut & { readonly formatting: Formatting },
): Promise<void> {
  const { volume, argv, type } = formatting;
  const devices = devicesOf(target, formatting), device = devices.join(", ");
  const whole = volume.kind === "disk" && argv[0] === "mkfs.vfat" ? ["-I"] : [];
  if (type === "btrfs") forgetDevices();
  await run([...argv, ...whole, ...devices], {
    signal,
    timeoutMs: 30 * 60_000,
    title: `cannot format ${device} as ${type}`,
    remedy: `check that the template's ${argv[0]} can make the file systems of its own layout.`,
  });
  await tune(target, { formatting, run, signal });
  if (formatting.subvolumes) await makeSubvolumes(devices, formatting.subvolumes);
}

/** All devices of a file system, its own volume first. */
export function devicesOf(
  target: TargetDisks,
  { volume, more = [] }: Pick<Formatting, "volume" | "more">,
): string[] {
  return [volume, ...more].map((volume) => target.device(volume));
}

/** Sets the properties that can be set on an unmounted file system, empty or full. */
export async function tune(
  target: TargetDisks,
  { formatting: { volume, tuning }, run, signal }: CarryOut & { readonly formatting: Formatting },
): Promise<void> {
  if (tuning === undefined) return;
  const device = target.device(volume);
  await run([...tuning, device], {
    signal,
    // with the feature mmp it waits to see whether another machine uses the file system
    timeoutMs: 20 * 60_000,
    title: `cannot set the properties of the file system on ${device}`,
    remedy: "check that the template's tune2fs can do what was done there.",
  });
}

/** Mounts the file systems below `at`, parents first. Disposing unmounts them, and throws if one stays busy. */
export async function mountTree(
  target: TargetDisks,
  { plan, at, readOnly = false, without = [] }: {
    plan: Plan;
    at: string;
    /** Without replaying a journal either. */
    readOnly?: boolean;
    /** File systems that are missing. */
    without?: readonly Formatting[];
  },
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  for (const { formatting } of readOnly ? [] : actionsOf(plan, "format")) {
    const { subvolumes } = formatting;
    if (subvolumes === undefined || without.includes(formatting)) continue;
    stack.use(await openSubvolumes(devicesOf(target, formatting), subvolumes));
  }
  const isMissing = ({ volume }: ActionOf<"mount">) =>
    without.some((w) => describeVolume(w.volume) === describeVolume(volume));
  for (const action of actionsOf(plan, "mount")) {
    if (isMissing(action)) continue;
    const { source, data } = mountSource(target, { action, readOnly });
    const mountPoint = `${at}${action.mountPoint === "/" ? "" : action.mountPoint}`;
    // updating the access time of every file that is compared would cost more than reading it
    const flags = readOnly ? MS.RDONLY : MS.NOATIME;
    stack.use(await Mount.at(mountPoint, { source, type: action.type, flags, data }));
  }
  return stack.move();
}

/** For mount(2). */
export function mountSource(
  target: TargetDisks,
  { action, readOnly }: { action: ActionOf<"mount">; readOnly: boolean },
): { source: string; data: string } {
  const devices = devicesOf(target, action);
  const options = [action.options, readOnly ? UNREPLAYED[action.type] : undefined];
  return {
    source: devices[0] ?? "",
    data: [...options, ...deviceOptions(devices)].filter(Boolean).join(","),
  };
}

/** ext4(5), xfs(5), btrfs(5), f2fs */
const UNREPLAYED: Readonly<Record<string, string>> = {
  ext3: "noload",
  ext4: "noload",
  xfs: "norecovery",
  btrfs: "rescue=nologreplay",
  f2fs: "norecovery",
};

/** After unmounting: checks every file system without changing it. Returns what it found. */
export async function checkFileSystems(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { readonly plan: Plan },
): Promise<string> {
  let checked = 0;
  for (const { formatting } of actionsOf(plan, "format")) {
    if (formatting.type === "swap") continue;
    const devices = devicesOf(target, formatting);
    if (await isUnsound({ type: formatting.type, devices }, { run, signal })) {
      throw new RackseedError(`the file system on ${devices.join(" and ")} is not sound`, {
        reason: `a check of ${
          formatting.mountPoint ?? formatting.type
        } found errors right after it was written.`,
        remedy: "check the disk's health (`dmesg`, SMART) and the machine's memory, then deploy again.",
      });
    }
    checked++;
  }
  return `${checked} file system${checked === 1 ? "" : "s"} checked`;
}
