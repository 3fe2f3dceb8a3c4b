/**
 * A restore: the disk is compared with the image, and only what differs is written. A disk that cannot be restored is
 * overwritten as by an installation.
 */
import type { Order } from "#contract/api.ts";
import type { Identity } from "#contract/identity.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import { walkAhead } from "../compare/walk_ahead.ts";
import { describeRestore } from "../disk/plan_description.ts";
import { ImageFetch } from "../fetch/image_fetch.ts";
import { ExistingClone } from "../restore/existing_clone.ts";
import { judgeDisk, mendOrGiveUp, type RestoreRequest, type Verdict } from "../restore/judge_disk.ts";
import { keepOrInstallLoader } from "./boot_loader.ts";
import { chooseIdentity } from "./choose_identity.ts";
import { compareOnly } from "./dry_run.ts";
import { finishClone } from "./finish_clone.ts";
import { keepOrGiveIdentity } from "./give_identity.ts";
import { installClone, makeFileSystems, writeFiles } from "./install_chain.ts";
import { type Machine, PACKS_IN_MEMORY, type PlannedDisk } from "./machine.ts";
import { runPreInstallHooks } from "./machine_hooks.ts";
import { keepJournal, mountClone, type MountedClone } from "./mounted_clone.ts";
import { writeTable } from "./new_disk.ts";
import { planMachine, proveDisk } from "./plan.ts";

/** Throws RackseedError of the step that failed. */
export async function restoreMachine(
  machine: Machine,
  restore: NonNullable<Order["restore"]>,
): Promise<void> {
  const { steps, stack, enrolled: { order, header: { layout } }, run, signal } = machine;
  const fetch = stack.use(new ImageFetch(machine));
  const { plan } = await steps.run("plan", () => {
    const planned = planMachine(machine, (plan) => describeRestore(plan, restore));
    // what is on the disk decides what else is needed
    fetch.begin({ memory: PACKS_IN_MEMORY, writes: !restore.dryRun, manifestOnly: true });
    return planned;
  });
  const { target } = await steps.run("guard", () => proveDisk(machine, plan));
  const request = { order: { ...order, restore }, plan, layout, run, signal };
  const identity = await chooseIdentity(machine, target);
  if (restore.dryRun) return await compareOnly(machine, { target, request, fetch });
  const disk = { plan, target };
  await runPreInstallHooks(machine, { target, identity });
  const verdict = await steps.run("partition", () => judgeOrRepartition(machine, { ...disk, request }));
  const found = await steps.run(
    "format",
    ({ update }) => mendOrFormat(machine, { ...disk, request, fetch, verdict, update }),
  );
  if (found.existing === undefined) {
    return await installClone(machine, { ...disk, fetch, identity, mounted: found, resumes: false });
  }
  await restoreClone(machine, { ...disk, fetch, identity, mounted: found, ...found });
}

/** What the step "format" leaves: a clone to be restored, or empty file systems. */
type Prepared =
  & StepOutcome
  & MountedClone
  & (
    | {
      readonly existing: ExistingClone;
      readonly ahead: AsyncDisposable;
      /** What was repaired, and what will change besides the files. */
      readonly notes: readonly string[];
    }
    | { readonly existing: undefined }
  );

async function judgeOrRepartition(
  machine: Machine,
  { request, ...disk }: PlannedDisk & { request: RestoreRequest },
): Promise<Verdict> {
  const verdict = await judgeDisk(disk.target, request);
  if (!verdict.fits) await writeTable(machine, disk);
  return verdict;
}

async function mendOrFormat(
  machine: Machine,
  { verdict, update, request, fetch, ...disk }: PlannedDisk & {
    verdict: Verdict;
    request: RestoreRequest;
    fetch: ImageFetch;
    update: StepProgress["update"];
  },
): Promise<Prepared> {
  const format = () => makeFileSystems(machine, { ...disk, fetch, resumes: false, update });
  if (!verdict.fits) return { ...await format(), existing: undefined };
  const { state, notes } = verdict;
  const mended = await mendOrGiveUp(disk.target, {
    ...request,
    state,
    onFormat: (message) => update({ message }),
  });
  const { message } = mended;
  if (!mended.fits) {
    await writeTable(machine, disk);
    return { ...await format(), existing: undefined, message };
  }
  const { isDoubtful } = mended;
  const found = await inspectMended(machine, { ...disk, request, fetch, isDoubtful });
  return { ...found, notes: [...notes, ...found.existing.notes], message };
}

async function inspectMended(
  machine: Machine,
  { request, fetch, isDoubtful, ...disk }: PlannedDisk & {
    request: RestoreRequest;
    fetch: ImageFetch;
    isDoubtful: boolean;
  },
) {
  const { clonePath, stack, run } = machine;
  const { clone, mounts } = await mountClone(machine, disk);
  const ahead = stack.use(walkAhead(clonePath, { run }));
  const existing = await ExistingClone.inspect(clone, { target: disk.target, request, isDoubtful });
  return { clone, mounts, journal: keepJournal(machine, { plan: disk.plan, fetch }), existing, ahead };
}

async function restoreClone(
  machine: Machine,
  { fetch, identity, mounted, existing, ahead, notes, ...disk }: PlannedDisk & {
    fetch: ImageFetch;
    identity: Identity;
    mounted: MountedClone;
    existing: ExistingClone;
    ahead: AsyncDisposable;
    notes: readonly string[];
  },
): Promise<void> {
  const { steps, clonePath } = machine, { clone, journal } = mounted;
  const { inMemory } = await steps.run("torrent", async (progress) => {
    await using _ahead = ahead;
    const to = { path: clonePath, journal, comparison: existing.comparison() };
    const joined = await fetch.join(to, { memory: PACKS_IN_MEMORY, progress });
    return { ...joined, planLines: joined.planLines && [...notes, ...joined.planLines] };
  });
  await steps.run("install", (progress) => writeFiles(fetch, progress));
  const given = await steps.run(
    "identity",
    (progress) => keepOrGiveIdentity(machine, { plan: disk.plan, clone, identity, existing, progress }),
  );
  await steps.run("bootloader", () => keepOrInstallLoader(machine, { ...disk, clone, given, existing }));
  await finishClone(machine, { ...disk, mounted, fetch, given, inMemory, checks: false });
}
