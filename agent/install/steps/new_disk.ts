/** Steps "partition" and "format" for a disk that is overwritten, or kept from an interrupted installation. */
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import { formatDisk, partitionDisk } from "../disk/partition.ts";
import { rehearse } from "../disk/rehearse.ts";
import { findResumption, formatUnsafe, plannedRecord } from "../disk/resume.ts";
import type { Machine, PlannedDisk } from "./machine.ts";

/** Keeps the disk if an installation of the same plan was interrupted on it; else writes a new table. */
export async function partitionOrResume(
  machine: Machine,
  { plan, target }: PlannedDisk,
): Promise<StepOutcome & { resumes: boolean }> {
  const { enrolled: { order }, clonePath, run, signal } = machine;
  const record = plannedRecord(plan, order);
  const resumption = await findResumption(target, { plan, record, at: clonePath, run, signal });
  if (resumption.resumes) {
    return {
      resumes: true,
      message: "kept: an installation of this version was interrupted here",
    };
  }
  await writeTable(machine, { plan, target });
  const { because } = resumption;
  return { resumes: false, message: because && `overwritten: ${because}` };
}

/** Writes nothing if the image's own programs are known to refuse it. */
export async function writeTable({ run, signal }: Machine, { plan, target }: PlannedDisk): Promise<void> {
  await rehearse(plan, { run, signal });
  await partitionDisk(target, { plan, run, signal });
}

/** `resumes`: formats only file systems in which a power cut may have left hidden damage. */
export async function formatNewDisk(
  { run, signal }: Machine,
  { plan, target, resumes, update }: PlannedDisk & {
    resumes: boolean;
    update: StepProgress["update"];
  },
): Promise<void> {
  const options = { plan, run, signal, onFormat: (what: string) => update({ message: what }) };
  await (resumes ? formatUnsafe(target, options) : formatDisk(target, options));
}
