/**
 * Whether the proven disks of a node still have the planned layout, and how to repair it: a partition table if what it
 * names is in its place, or on another disk of the same mirror; members of arrays by adding them again; logical volumes
 * and file systems by making them again. The root file system is never formatted here.
 */
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import { parseBlkid, parseSfdisk } from "../../layout/partition_table.ts";
import { type Action, actionsOf, type Plan } from "#plan/actions.ts";
import type { Formatting } from "#plan/plan_format.ts";
import { activateVolumes, hasVolumes } from "../disk/active_volumes.ts";
import { completeArrays } from "../disk/array_members.ts";
import type { CarryOut } from "../disk/carry_out.ts";
import { subvolumesAmiss } from "../disk/btrfs_subvolumes.ts";
import { checkFileSystem, isUnsound } from "../disk/check_file_system.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { holdResync } from "../disk/hold_resync.ts";
import { addLogical } from "../disk/make_lvm.ts";
import { devicesOf, formatDisk, partitionDisk } from "../disk/partition.ts";
import { hasFileSystem, tableStands } from "../disk/resume.ts";
import { groupOf, probeVolume, reachability } from "./volume_state.ts";

interface Planned extends CarryOut {
  readonly plan: Plan;
  /** To try on LUKS volumes. */
  readonly keys?: readonly string[] | undefined;
}

/** Disks that can be restored. */
export interface FittingDisk {
  readonly fits: true;
  /** Numbers of the disks whose tables are written again. */
  readonly lostTables: readonly number[];
  /**
   * File systems and swap that are not in their planned places. While a table is lost, those on arrays, LUKS or LVM are
   * not known.
   */
  readonly missing: readonly Formatting[];
  /** Which of those on arrays, LUKS or LVM are something else by now, as text. */
  readonly strangers?: readonly string[];
}

type DiskState = FittingDisk | { readonly fits: false; readonly because: string };

const nameOf = ({ mountPoint, type }: Formatting) => mountPoint ?? type;
const isOnDisk = ({ volume: { kind } }: Formatting) => kind === "partition" || kind === "disk";
const NO_ROOT = "the image's root file system is not in its planned place";

/** Writes nothing. */
export async function assessDisk(target: TargetDisks, planned: Planned): Promise<DiskState> {
  const { plan, run, signal } = planned;
  const lostTables: number[] = [];
  for (const table of actionsOf(plan, "partition")) {
    if (await tableStands(target, table, { run, signal, others: true })) continue;
    const foreign = await foreignPartitions(target, table, { run, signal });
    if (foreign.length > 0) {
      return {
        fits: false,
        because: `it has another table, with partitions that are not the image's: ${foreign.join(", ")}`,
      };
    }
    lostTables.push(table.disk);
  }
  const grounded = actionsOf(plan, "format").map(({ formatting }) => formatting).filter(isOnDisk);
  const missing = await missingAmong(target, { ...planned, formattings: grounded });
  if (missing.some(isRoot)) return { fits: false, because: NO_ROOT };
  if (!hasVolumes(plan)) return { fits: true, lostTables, missing };
  const above = lostTables.length > 0
    ? await foreseeVolumes(target, planned)
    : await lookAtVolumes(target, planned);
  return above.fits ? { ...above, lostTables, missing: [...missing, ...above.missing] } : above;
}

type Above = Omit<FittingDisk, "lostTables"> | Extract<DiskState, { fits: false }>;

/** By what the disks themselves say. */
async function foreseeVolumes(target: TargetDisks, planned: Planned): Promise<Above> {
  const { plan } = planned;
  const isThere = await reachability(target, planned);
  const lost = [
    ...actionsOf(plan, "md").map(({ array }): Volume => ({ kind: "md", name: array.name })),
    ...actionsOf(plan, "luks").map(({ encrypted }): Volume => ({ kind: "luks", name: encrypted.name })),
    ...actionsOf(plan, "lvm").map(({ group }): Volume => ({ kind: "lv", group: group.name, name: "" })),
  ].filter((volume) => !isThere(volume));
  if (lost.length > 0) return { fits: false, because: describeLost(lost) };
  return { fits: true, missing: [] };
}

/** By a look at them, read-only. */
async function lookAtVolumes(target: TargetDisks, planned: Planned): Promise<Above> {
  const { plan, keys = [], run, signal } = planned;
  await using active = await activateVolumes(target, { plan, keys, readOnly: true, run, signal });
  // a pool or a raid volume may need more for a look than for use; mendDisk finds out
  if (beyondRepair(active.missing, plan).length > 0) return await foreseeVolumes(target, planned);
  const formattings = actionsOf(plan, "format").map((a) => a.formatting).filter((f) => !isOnDisk(f));
  const missing = await missingAmong(target, { ...planned, formattings });
  if (missing.some(isRoot)) return { fits: false, because: NO_ROOT };
  return { fits: true, missing, strangers: await inTheirPlaces(target, { plan, missing, run, signal }) };
}

/** A logical volume can be made again while its group is there: another of its volumes is. */
function beyondRepair(missing: readonly Volume[], plan: Plan): Volume[] {
  const gone = new Set(missing.map(describeVolume));
  return missing.filter((volume) =>
    volume.kind !== "lv" ||
    !groupOf(plan, volume)?.logical.some(({ name, type }) =>
      type !== "thin-pool" && !gone.has(describeVolume({ kind: "lv", group: volume.group, name }))
    )
  );
}

function describeLost(volumes: readonly Volume[]): string {
  return `${
    volumes.map((v) => v.kind === "lv" && v.name === "" ? `LVM group ${v.group}` : describeVolume(v))
      .join(", ")
  } cannot be found on its disks`;
}

function isRoot({ mountPoint }: Formatting): boolean {
  return mountPoint === "/";
}

async function missingAmong(
  target: TargetDisks,
  { formattings, plan, run, signal }: Planned & { formattings: readonly Formatting[] },
): Promise<Formatting[]> {
  const missing: Formatting[] = [];
  for (const formatting of formattings) {
    const { volume } = formatting;
    const found = target.isActive(volume) ? await probeVolume(target, { volume, plan, run, signal }) : "";
    // somebody may have changed the label: the system finds it by the UUID
    if (!hasFileSystem({ ...formatting, label: undefined }, found)) missing.push(formatting);
  }
  return missing;
}

/** They may hold somebody's data, so a table that would drop them is not written as a mere repair. */
async function foreignPartitions(
  target: TargetDisks,
  planned: Extract<Action, { do: "partition" }>,
  { run, signal }: CarryOut,
): Promise<number[]> {
  const { stdout, code } = await run(["sfdisk", "-J", target.whole(planned.disk)], {
    accept: [0, 1],
    signal,
  });
  if (code !== 0) return [];
  let found: ReturnType<typeof parseSfdisk>;
  try {
    found = parseSfdisk(stdout);
  } catch {
    return [];
  }
  return found.partitions.flatMap(({ number, startSector, sectors }) =>
    planned.partitions.some((p) => p.startSector === startSector && p.sectors === sectors) ? [] : [number]
  );
}

/** What must be repaired, as text; empty if nothing. */
export function describeRepairs(state: FittingDisk): string[] {
  return [
    ...state.lostTables.map((disk) =>
      disk === 0 ? "the partition table is rewritten" : `the partition table of disk ${disk} is rewritten`
    ),
    ...state.missing.map((formatting) => `${nameOf(formatting)} (${formatting.type}) is formatted`),
  ];
}

/** Which places of missing file systems hold something else by now, as text: it may be somebody's data. */
export async function inTheirPlaces(
  target: TargetDisks,
  { plan, missing, run, signal }: CarryOut & { plan: Plan; missing: readonly Formatting[] },
): Promise<string[]> {
  const found: string[] = [];
  for (const formatting of missing) {
    const { volume } = formatting;
    if (!target.isActive(volume)) continue;
    const type = parseBlkid(await probeVolume(target, { volume, plan, run, signal })).get("TYPE");
    if (type !== undefined) found.push(`${type} in place of the image's ${nameOf(formatting)}`);
  }
  return found;
}

/**
 * Why the file systems must not be formatted: they hold, or may hold, paths that must be kept. Undefined if none does.
 * `keep`: paths as a person names them. Pure.
 */
export function keptOnThem(missing: readonly Formatting[], keep: readonly string[]): string | undefined {
  const below = (path: string, folder: string) => `${path}/`.startsWith(`${folder.replace(/\/+$/, "")}/`);
  const found = missing.find(({ mountPoint, otherMountPoints = [] }) =>
    [mountPoint ?? [], ...otherMountPoints].flat().some((at) =>
      keep.some((path) => below(path, at) || below(at, path))
    )
  );
  return found && `the file system of ${found.mountPoint} is not the image's, or is beyond repair`;
}

export interface MendedDisk {
  /** What was done, as text. */
  readonly notes: readonly string[];
  /** A file system was repaired, so what it says of its files is not trusted. */
  readonly isDoubtful: boolean;
  /** The volumes, which may be written to. */
  readonly active: AsyncDisposable;
}

/**
 * `keep`: file systems that hold one of these paths are never formatted. Throws RackseedError if the root file system,
 * or one of those, cannot be repaired; then no volume is active.
 */
export async function mendDisk(
  target: TargetDisks,
  { plan, keys, state, run, signal, onFormat, keep = [] }: Planned & {
    state: FittingDisk;
    onFormat: (what: string) => void;
    keep?: readonly string[];
  },
): Promise<MendedDisk> {
  await using stack = new AsyncDisposableStack();
  const lost = actionsOf(plan, "partition").filter(({ disk }) => state.lostTables.includes(disk));
  await partitionDisk(target, { plan: { ...plan, actions: lost }, keepContents: true, run, signal });
  const notes = describeRepairs(state);
  const toFormat = [...state.missing];
  if (hasVolumes(plan)) {
    notes.push(...await mendVolumes(target, { plan, keys, stack, run, signal }));
    const formattings = actionsOf(plan, "format").map((a) => a.formatting).filter((f) => !isOnDisk(f));
    const found = await missingAmong(target, { plan, formattings, run, signal });
    const [stranger] = keep.length > 0
      ? await inTheirPlaces(target, { plan, missing: found, run, signal })
      : [];
    const because = found.some(isRoot) ? NO_ROOT : keptOnThem(found, keep) ?? stranger;
    if (because !== undefined) throw new RangeError(because);
    toFormat.push(...found.filter((formatting) => !toFormat.includes(formatting)));
  }
  const checked = await checkAll(target, { plan, without: toFormat, keep, onFormat, run, signal });
  toFormat.push(...checked.hopeless);
  const actions = plan.actions.filter((a) => a.do === "format" && toFormat.includes(a.formatting));
  await formatDisk(target, { plan: { ...plan, actions }, onFormat, run, signal });
  const isDoubtful = checked.notes.length > 0;
  return { notes: [...notes, ...checked.notes], isDoubtful, active: stack.move() };
}

/** Activates them, and adds what they lack. Returns what was done, as text. */
async function mendVolumes(
  target: TargetDisks,
  { plan, keys = [], stack, run, signal }: Planned & { stack: AsyncDisposableStack },
): Promise<string[]> {
  stack.use(await holdResync({ run, signal }));
  const active = stack.use(await activateVolumes(target, { plan, keys, readOnly: false, run, signal }));
  const beyond = beyondRepair(active.missing, plan);
  if (beyond.length > 0) throw new RangeError([describeLost(beyond), ...active.notes].join("; "));
  const notes = await completeArrays(target, { plan, run, signal });
  for (const volume of active.missing) {
    const group = volume.kind === "lv" ? groupOf(plan, volume) : undefined;
    if (volume.kind !== "lv" || group === undefined) continue;
    await addLogical(target, { group, name: volume.name, run, signal });
    notes.push(`${describeVolume(volume)} was made again`);
  }
  return notes;
}

/** Files lost by a repair are fetched again. */
async function checkAll(
  target: TargetDisks,
  { plan, without, keep, onFormat, run, signal }: Planned & {
    without: readonly Formatting[];
    keep: readonly string[];
    onFormat: (what: string) => void;
  },
): Promise<{ notes: string[]; hopeless: Formatting[] }> {
  const notes: string[] = [], hopeless: Formatting[] = [];
  for (const { formatting } of actionsOf(plan, "format")) {
    if (without.includes(formatting) || formatting.type === "swap") continue;
    onFormat(`checking ${nameOf(formatting)}`);
    const last = isRoot(formatting) || keptOnThem([formatting], keep) !== undefined;
    const checked = { type: formatting.type, devices: devicesOf(target, formatting) };
    const outcome = await checkFileSystem(checked, { run, signal, last });
    if (outcome === "hopeless") hopeless.push(formatting);
    else notes.push(...await amissOn(formatting, checked.devices));
    if (outcome === "sound") continue;
    notes.push(`${nameOf(formatting)} was ${outcome === "repaired" ? "repaired" : "formatted"}`);
  }
  return { notes, hopeless };
}

/** What of its subvolumes is missing or has another property, as text. Mounting it makes them again. */
async function amissOn({ subvolumes }: Formatting, devices: readonly string[]): Promise<string[]> {
  return subvolumes ? await subvolumesAmiss(devices, subvolumes) : [];
}

/** For a dry run: which file systems would be repaired, and which subvolumes made. Their volumes are active. Writes nothing. */
export async function unsoundFileSystems(
  target: TargetDisks,
  { plan, state, run, signal }: Planned & { state: FittingDisk },
): Promise<string[]> {
  const found: string[] = [];
  for (const { formatting } of actionsOf(plan, "format")) {
    if (formatting.type === "swap" || state.missing.includes(formatting)) continue;
    const checked = { type: formatting.type, devices: devicesOf(target, formatting) };
    if (await isUnsound(checked, { run, signal })) found.push(`${nameOf(formatting)} would be repaired`);
    else found.push(...await amissOn(formatting, checked.devices));
  }
  return found;
}
