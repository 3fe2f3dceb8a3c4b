/** Steps "partition" and "format" for a disk that is overwritten, or kept from an interrupted installation. */
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import { makeVolumes } from "../disk/make_volumes.ts";
import { formatDisk } from "../disk/partition.ts";
import { rehearse } from "../disk/rehearse.ts";
import { findResumption, formatUnsafe, plannedRecord } from "../disk/resume.ts";
import type { ImageFetch } from "../fetch/image_fetch.ts";
import type { Machine, PlannedDisk } from "./machine.ts";
import { newKeys, openingKeys } from "./volume_keys.ts";
import { keepJournal, mountClone, type MountedClone } from "./mounted_clone.ts";

/** Keeps the disks if an installation of the same plan was interrupted on them; else writes new tables. */
export async function partitionOrResume(
  machine: Machine,
  { plan, target, update }: PlannedDisk & { update: StepProgress["update"] },
): Promise<StepOutcome & { resumes: boolean }> {
  const { enrolled: { order }, clonePath, stack, run, signal } = machine;
  const record = plannedRecord(plan, order), keys = openingKeys(order);
  const resumption = await findResumption(target, { plan, record, keys, at: clonePath, run, signal });
  if (resumption.resumes) {
    if (resumption.active) stack.use(resumption.active);
    return {
      resumes: true,
      message: "kept: an installation of this version was interrupted here",
    };
  }
  const made = await writeTable(machine, { plan, target, update });
  const { because } = resumption;
  return { ...made, resumes: false, message: because && `overwritten: ${because}` };
}

/** Tables and volumes. Writes nothing if the image's own programs are known to refuse it. */
export async function writeTable(
  { enrolled: { order }, stack, run, signal }: Machine,
  { plan, target, update }: PlannedDisk & { update: StepProgress["update"] },
): Promise<Pick<StepOutcome, "encrypted">> {
  const keys = newKeys(order, plan);
  await rehearse(plan, { keys, unlock: order.encryption?.unlock, run, signal });
  const onMake = (message: string) => update({ message });
  // until the machine is done: the stack is undone from its end, so the mounts are gone by then
  stack.use(await makeVolumes(target, { plan, keys, onMake, run, signal }));
  return keys ? { encrypted: true } : {};
}

/** Work of the step "format". */
export async function makeFileSystems(
  machine: Machine,
  { fetch, resumes, update, ...disk }: PlannedDisk & {
    fetch: ImageFetch;
    resumes: boolean;
    update: StepProgress["update"];
  },
): Promise<StepOutcome & MountedClone> {
  await formatNewDisk(machine, { ...disk, resumes, update });
  const mounted = await mountClone(machine, disk);
  // the clone needs something to mount the disks on that are left alone
  for (const mountPoint of disk.plan.left.mountPoints) {
    await Deno.mkdir(`${machine.clonePath}${mountPoint}`, { recursive: true });
  }
  // resuming is tried once: if it fails, the next installation starts from an empty disk
  const journal = keepJournal(machine, { plan: disk.plan, fetch, once: resumes });
  const message = resumes ? "kept, except vfat, which has no journal" : undefined;
  return { ...mounted, journal, message };
}

/** `resumes`: formats only file systems in which a power cut may have left hidden damage. */
async function formatNewDisk(
  { run, signal }: Machine,
  { plan, target, resumes, update }: PlannedDisk & {
    resumes: boolean;
    update: StepProgress["update"];
  },
): Promise<void> {
  const options = { plan, run, signal, onFormat: (what: string) => update({ message: what }) };
  await (resumes ? formatUnsafe(target, options) : formatDisk(target, options));
}
