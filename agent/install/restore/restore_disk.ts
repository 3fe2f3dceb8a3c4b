/**
 * Whether the proven disk of a node still has the planned layout, and how to repair it: the partition table if the
 * file systems are in their places, file systems by the programs of their type, a missing one by formatting it. The root
 * file system is never formatted here.
 */
import { parseBlkid, parseSfdisk } from "../../layout/partition_table.ts";
import { probeDevice } from "../../sys/blkid.ts";
import type { TargetDisks } from "../disk/guard.ts";
import type { CarryOut } from "../disk/carry_out.ts";
import { subvolumesAmiss } from "../disk/btrfs_subvolumes.ts";
import { checkFileSystem, isUnsound } from "../disk/check_file_system.ts";
import { devicesOf, formatDisk, partitionDisk } from "../disk/partition.ts";
import { type Action, actionsOf, type Plan } from "#plan/actions.ts";
import type { Formatting } from "#plan/plan_format.ts";
import { hasFileSystem, tableStands } from "../disk/resume.ts";

/** A disk that can be restored. */
export interface FittingDisk {
  readonly fits: true;
  readonly tableLost: boolean;
  /** File systems and swap that are not in their planned places. */
  readonly missing: readonly Formatting[];
}

type DiskState = FittingDisk | { readonly fits: false; readonly because: string };

const nameOf = ({ mountPoint, type }: Formatting) => mountPoint ?? type;

/** Writes nothing. */
export async function assessDisk(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<DiskState> {
  const missing: Formatting[] = [];
  for (const action of plan.actions) {
    if (action.do !== "format") continue;
    const stdout = await probe(target, action.formatting, { plan, run, signal });
    // somebody may have changed the label: the system finds it by the UUID
    if (!hasFileSystem({ ...action.formatting, label: undefined }, stdout)) missing.push(action.formatting);
  }
  if (missing.some(({ mountPoint }) => mountPoint === "/")) {
    return { fits: false, because: "the image's root file system is not in its planned place" };
  }
  const table = plan.actions.find((a) => a.do === "partition");
  if (table?.do !== "partition") return { fits: true, tableLost: false, missing };
  if (await tableStands(target, table, { run, signal, others: true })) {
    return { fits: true, tableLost: false, missing };
  }
  const foreign = await foreignPartitions(target, table, { run, signal });
  if (foreign.length === 0) return { fits: true, tableLost: true, missing };
  return {
    fits: false,
    because: `it has another table, with partitions that are not the image's: ${foreign.join(", ")}`,
  };
}

/** Asks blkid(8) about the place on the disk, not about the partition: the table may be what is broken. */
async function probe(
  target: TargetDisks,
  formatting: Formatting,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<string> {
  const place = ["-O", String(offsetOf(formatting, plan)), "-S", String(formatting.sizeBytes)];
  return await probeDevice(target.whole(), { place, run, signal });
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

function offsetOf({ volume }: Formatting, { actions }: Plan): number {
  const number = volume.kind === "partition" ? volume.number : undefined;
  const table = actions.find((a): a is Extract<Action, { do: "partition" }> => a.do === "partition");
  const partition = table?.partitions.find((p) => p.number === number);
  return (partition?.startSector ?? 0) * (table?.sectorBytes ?? 512);
}

/** What must be repaired, as text; empty if nothing. */
export function describeRepairs(state: FittingDisk): string[] {
  return [
    ...state.tableLost ? ["the partition table is rewritten"] : [],
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
    const type = parseBlkid(await probe(target, formatting, { plan, run, signal })).get("TYPE");
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

/**
 * Returns what was done, as text. `keep`: file systems that hold one of these paths are never formatted. Throws
 * RackseedError if the root file system, or one of those, cannot be repaired.
 */
export async function mendDisk(
  target: TargetDisks,
  { plan, state, run, signal, onFormat, keep = [] }: CarryOut & {
    plan: Plan;
    state: FittingDisk;
    onFormat: (what: string) => void;
    keep?: readonly string[];
  },
): Promise<string[]> {
  if (state.tableLost) await partitionDisk(target, { plan, keepContents: true, run, signal });
  const notes = describeRepairs(state);
  const toFormat = [...state.missing];
  for (const { formatting } of actionsOf(plan, "format")) {
    if (toFormat.includes(formatting)) continue;
    onFormat(`checking ${nameOf(formatting)}`);
    const checked = { type: formatting.type, devices: devicesOf(target, formatting) };
    const outcome = await checkFileSystem(checked, {
      run,
      signal,
      last: formatting.mountPoint === "/" || keptOnThem([formatting], keep) !== undefined,
    });
    if (outcome !== "hopeless") notes.push(...await amissOn(formatting, checked.devices));
    if (outcome === "hopeless") toFormat.push(formatting);
    if (outcome !== "sound") {
      notes.push(`${nameOf(formatting)} was ${outcome === "repaired" ? "repaired" : "formatted"}`);
    }
  }
  const actions = plan.actions.filter((a) => a.do === "format" && toFormat.includes(a.formatting));
  await formatDisk(target, { plan: { ...plan, actions }, onFormat, run, signal });
  return notes;
}

/** For a dry run: which file systems would be repaired, and which subvolumes made. Writes nothing. */
export async function unsoundFileSystems(
  target: TargetDisks,
  { plan, state, run, signal }: CarryOut & { plan: Plan; state: FittingDisk },
): Promise<string[]> {
  const found: string[] = [];
  for (const { formatting } of actionsOf(plan, "format")) {
    if (state.missing.includes(formatting)) continue;
    const checked = { type: formatting.type, devices: devicesOf(target, formatting) };
    if (await isUnsound(checked, { run, signal })) found.push(`${nameOf(formatting)} would be repaired`);
    else found.push(...await amissOn(formatting, checked.devices));
  }
  return found;
}

/** What of its subvolumes is missing or has another property, as text. */
async function amissOn({ subvolumes }: Formatting, devices: readonly string[]): Promise<string[]> {
  return subvolumes ? await subvolumesAmiss(devices, subvolumes) : [];
}
