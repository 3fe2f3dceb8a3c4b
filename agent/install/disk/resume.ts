/**
 * Whether a disk holds what an earlier run of the same plan wrote, so that the installation can resume. Asked only
 * about the proven target of an armed node. In any doubt the answer is no, and the disk is overwritten.
 */
import { createHash } from "node:crypto";
import type { Order } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import { startOf } from "../../layout/device_probe.ts";
import { parseBlkid, parseSfdisk } from "../../layout/partition_table.ts";
import { parseDiskStart } from "../../layout/properties/disk_start.ts";
import { probeDevice } from "../../sys/blkid.ts";
import { INSPECTION_FLAGS, Mount } from "../../sys/mount.ts";
import type { TargetDisks } from "./guard.ts";
import { differenceOf, type JournalRecord, readJournal, recordOf } from "../records/journal.ts";
import { activateVolumes, hasVolumes } from "./active_volumes.ts";
import { completeArrays } from "./array_members.ts";
import type { CarryOut } from "./carry_out.ts";
import { holdResync } from "./hold_resync.ts";
import { sizeOfDevice } from "./wipe.ts";
import { formatDisk, kernelKnows, mountSource } from "./partition.ts";
import { type Action, actionsOf, type Plan } from "#plan/actions.ts";
import type { Formatting } from "#plan/plan_format.ts";
import { type PlannedPartition, USUAL_ENTRIES } from "#plan/plan_table.ts";

export type Resumption =
  /** `active`: what lies between its disks and its file systems, if it has such volumes. */
  | { readonly resumes: true; readonly active?: AsyncDisposable }
  /** `because`: why not, as text, if there is something from an earlier run. */
  | { readonly resumes: false; readonly because?: string };

/** The journal's record for this plan. */
export function plannedRecord(plan: Plan, order: Order): JournalRecord {
  const disks = plan.disks.map(({ number, facts: { sizeBytes, sectorBytes, model, serial, byPath } }) => ({
    number,
    sizeBytes,
    sectorBytes,
    model,
    serial,
    byPath,
  }));
  const decided = JSON.stringify([disks, plan.actions]);
  return recordOf(order, createHash("sha256").update(decided).digest("hex"));
}

/** `at`: mount point for a short look at the root file system; `keys`: to try on its LUKS volumes. */
export async function findResumption(
  target: TargetDisks,
  { plan, record, keys = [], at, run, signal }: CarryOut & {
    plan: Plan;
    record: JournalRecord;
    keys?: readonly string[];
    at: string;
  },
): Promise<Resumption> {
  const root = plan.actions.find((a) => a.do === "mount" && a.mountPoint === "/");
  if (root?.do !== "mount" || !await tablesStand(target, { plan, run, signal })) return { resumes: false };
  await using stack = new AsyncDisposableStack();
  try {
    if (!await volumesStand(target, { plan, keys, stack, run, signal })) return { resumes: false };
    await repairFileSystems(target, { plan, run, signal });
    const mounting = mountSource(target, { action: root, readOnly: false });
    await using _mount = await Mount.at(at, { ...mounting, type: root.type, flags: INSPECTION_FLAGS });
    const found = readJournal(at);
    if (found.state === "none") return { resumes: false };
    if (found.state === "unreadable") {
      return { resumes: false, because: `its journal cannot be read: ${found.reason}` };
    }
    const because = differenceOf(found.record, record);
    if (because !== undefined) return { resumes: false, because };
    return hasVolumes(plan) ? { resumes: true, active: stack.move() } : { resumes: true };
  } catch (error) {
    signal?.throwIfAborted();
    return { resumes: false, because: messageOf(error) };
  }
}

/** Formats again those file systems in which a power cut may have left hidden damage: vfat has no journal. */
export async function formatUnsafe(
  target: TargetDisks,
  { plan, onFormat, run, signal }: CarryOut & { plan: Plan; onFormat: (what: string) => void },
): Promise<void> {
  const actions = plan.actions.filter((a) => a.do === "format" && a.formatting.type === "vfat");
  await formatDisk(target, { plan: { ...plan, actions }, onFormat, run, signal });
}

async function tablesStand(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<boolean> {
  for (const action of actionsOf(plan, "partition")) {
    if (!await tableStands(target, action, { run, signal })) return false;
  }
  return true;
}

/** Whether everything up to the file systems is there, and large enough. `stack` gets what was activated. */
async function volumesStand(
  target: TargetDisks,
  { plan, keys, stack, run, signal }: CarryOut & {
    plan: Plan;
    keys: readonly string[];
    stack: AsyncDisposableStack;
  },
): Promise<boolean> {
  if (hasVolumes(plan)) {
    stack.use(await holdResync({ run, signal }));
    const active = stack.use(await activateVolumes(target, { plan, keys, readOnly: false, run, signal }));
    if (active.missing.length > 0) return false;
    await completeArrays(target, { plan, run, signal });
  }
  for (const { formatting } of actionsOf(plan, "format")) {
    const device = target.device(formatting.volume);
    if (await sizeOfDevice(device) < formatting.sizeBytes) return false;
    if (!hasFileSystem(formatting, await probeDevice(device, { run, signal }))) return false;
  }
  return true;
}

/** Whether the table, on the disk and in the kernel, is the planned one; `others`: it may have more partitions. */
export async function tableStands(
  target: TargetDisks,
  planned: Extract<Action, { do: "partition" }>,
  { run, signal, others = false }: CarryOut & { others?: boolean },
): Promise<boolean> {
  const { stdout, stderr, code } = await run(["sfdisk", "-J", target.whole(planned.disk)], {
    accept: [0, 1],
    signal,
  });
  // if one copy of a GPT is broken, sfdisk shows the other, and says so
  return code === 0 && !/corrupt/i.test(stderr) && hasTable(planned, stdout, { others }) &&
    await hasProtectiveMark(target, planned) && await kernelKnows(target, planned, { others });
}

async function hasProtectiveMark(
  target: TargetDisks,
  { disk, gpt, sectorBytes }: Extract<Action, { do: "partition" }>,
): Promise<boolean> {
  // if the template has no mark, the node may still have one
  if (!gpt?.protectiveBoot) return true;
  const start = await startOf(target.whole(disk), 2 * sectorBytes);
  return parseDiskStart(start, { sectorBytes, sizeBytes: 0 }).protectiveBoot;
}

/** `json`: output of `sfdisk -J`. Pure. */
export function hasTable(
  planned: Extract<Action, { do: "partition" }>,
  json: string,
  { others = false }: { others?: boolean } = {},
): boolean {
  let found: ReturnType<typeof parseSfdisk>;
  try {
    found = parseSfdisk(json);
  } catch {
    return false;
  }
  const same = (a: string | undefined, b: string | undefined) =>
    a === undefined || a.toLowerCase() === b?.toLowerCase();
  const isSame = (p: PlannedPartition) => {
    const there = found.partitions.find((f) => f.number === p.number);
    return there?.startSector === p.startSector && there.sectors === p.sectors &&
      same(p.type, there.type) && (planned.table === "dos" || same(p.uuid, there.uuid));
  };
  const hasRoom = !planned.gpt || planned.gpt.entries === (found.entries ?? USUAL_ENTRIES);
  return found.table === planned.table && same(planned.id, found.id) && hasRoom &&
    (others || found.partitions.length === planned.partitions.length) && planned.partitions.every(isSame);
}

/** `text`: output of `blkid -p -o export`. Pure. */
export function hasFileSystem({ type, uuid, label }: Formatting, text: string): boolean {
  const found = parseBlkid(text);
  return found.get("TYPE") === type && (uuid === undefined || found.get("UUID") === uuid) &&
    (label === undefined || found.get("LABEL") === label);
}

/** Replays journals and repairs what a power cut left; e2fsck(8) exits with 1 if it repaired something. */
async function repairFileSystems(
  target: TargetDisks,
  { plan, run, signal }: CarryOut & { plan: Plan },
): Promise<void> {
  for (const action of plan.actions) {
    if (action.do !== "format" || !/^ext[234]$/.test(action.formatting.type)) continue;
    const device = target.device(action.formatting.volume);
    await run(["e2fsck", "-p", device], {
      accept: [0, 1],
      signal,
      timeoutMs: 60 * 60_000,
      title: `the file system on ${device} is damaged`,
    });
  }
}
