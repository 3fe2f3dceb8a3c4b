/** Steps "partition" and "format" of a restore: the disk is mended, or overwritten if it cannot be restored. */
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import { walkAhead } from "../compare/walk_ahead.ts";
import type { ImageFetch } from "../fetch/image_fetch.ts";
import { ExistingClone } from "../restore/existing_clone.ts";
import { judgeDisk, mendOrGiveUp, type RestoreRequest, type Verdict } from "../restore/judge_disk.ts";
import type { Machine, PlannedDisk } from "./machine.ts";
import { keepJournal, mountClone, type MountedClone } from "./mounted_clone.ts";
import { makeFileSystems, writeTable } from "./new_disk.ts";

/** A clone to be restored. */
export interface MendedClone extends MountedClone {
  readonly existing: ExistingClone;
  /** A walk through its file systems, which fills the kernel's caches for the comparison. */
  readonly ahead: AsyncDisposable;
  /** What was repaired, and what will change besides the files. */
  readonly notes: readonly string[];
}

interface EmptyClone extends MountedClone {
  readonly existing: undefined;
}

interface ExistingDisk extends PlannedDisk {
  readonly request: RestoreRequest;
  readonly fetch: ImageFetch;
}

/** Throws RackseedError if the disk cannot be restored and may not be overwritten. */
export async function mendOrOverwrite(
  machine: Machine,
  disk: ExistingDisk,
): Promise<MendedClone | EmptyClone> {
  const { steps } = machine;
  const verdict = await steps.run(
    "partition",
    ({ update }) => judgeOrRepartition(machine, { ...disk, update }),
  );
  return await steps.run("format", ({ update }) => mendOrFormat(machine, { ...disk, verdict, update }));
}

async function judgeOrRepartition(
  machine: Machine,
  disk: ExistingDisk & { update: StepProgress["update"] },
): Promise<StepOutcome & Verdict> {
  const verdict = await judgeDisk(disk.target, disk.request);
  return verdict.fits ? verdict : { ...verdict, ...await writeTable(machine, disk) };
}

async function mendOrFormat(
  machine: Machine,
  { verdict, update, ...disk }: ExistingDisk & { verdict: Verdict; update: StepProgress["update"] },
): Promise<StepOutcome & (MendedClone | EmptyClone)> {
  const format = () => makeFileSystems(machine, { ...disk, resumes: false, update });
  if (!verdict.fits) return { ...await format(), existing: undefined };
  const { state, notes } = verdict;
  const mended = await mendOrGiveUp(disk.target, {
    ...disk.request,
    state,
    onFormat: (message) => update({ message }),
  });
  const { message } = mended;
  if (!mended.fits) {
    await writeTable(machine, { ...disk, update });
    return { ...await format(), existing: undefined, message };
  }
  const { isDoubtful, active } = mended;
  machine.stack.use(active);
  const found = await inspectMended(machine, { ...disk, isDoubtful });
  return { ...found, notes: [...notes, ...found.existing.notes], message };
}

async function inspectMended(
  machine: Machine,
  { request, fetch, isDoubtful, ...disk }: ExistingDisk & { isDoubtful: boolean },
) {
  const { clonePath, stack, run } = machine;
  const { clone, mounts } = await mountClone(machine, disk);
  const ahead = stack.use(walkAhead(clonePath, { run }));
  const existing = await ExistingClone.inspect(clone, { target: disk.target, request, isDoubtful });
  return { clone, mounts, journal: keepJournal(machine, { plan: disk.plan, fetch }), existing, ahead };
}
