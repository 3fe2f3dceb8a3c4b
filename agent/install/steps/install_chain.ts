/** An installation: the proven disk is overwritten with the image, and the clone gets this node's identity. */
import type { Identity } from "#contract/identity.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import { comparisonOf } from "../compare/comparison.ts";
import { describePlan } from "#plan/plan_description.ts";
import { syncPeriodically } from "../extract/periodic_sync.ts";
import { ImageFetch } from "../fetch/image_fetch.ts";
import { installLoader } from "./boot_loader.ts";
import { chooseIdentity } from "./choose_identity.ts";
import { giveKeys } from "./clone_keys.ts";
import { confirmOverwriting } from "./confirm_overwriting.ts";
import { finishClone } from "./finish_clone.ts";
import { giveIdentity } from "./give_identity.ts";
import { type Ending, type Machine, PACKS_IN_MEMORY, type PlannedDisk } from "./machine.ts";
import { runPreInstallHooks } from "./machine_hooks.ts";
import type { MountedClone } from "./mounted_clone.ts";
import { leftPaths } from "../restore/left_paths.ts";
import { makeFileSystems, partitionOrResume } from "./new_disk.ts";
import { planMachine, proveDisk } from "./plan.ts";

/**
 * Returns how the machine gets into its own system. Throws RackseedError of the step that failed.
 *
 * @example The order decides which chain runs
 * ```ts
 * import { installMachine } from "./install_chain.ts";
 * import type { Ending, Machine } from "./machine.ts";
 * import { restoreMachine } from "./restore_chain.ts";
 *
 * async function carryOut(machine: Machine): Promise<Ending> {
 *   const { restore } = machine.enrolled.order;
 *   return await (restore ? restoreMachine(machine, restore) : installMachine(machine));
 * }
 * ```
 */
export async function installMachine(machine: Machine): Promise<Ending> {
  const { steps, stack } = machine;
  const fetch = stack.use(new ImageFetch(machine));
  const { plan } = await steps.run("plan", () => planMachine(machine, describePlan));
  const { target } = await steps.run("guard", () => proveDisk(machine, plan));
  const disk = { plan, target };
  const identity = await chooseIdentity(machine, target);
  await confirmOverwriting(machine, { plan, identity });
  await runPreInstallHooks(machine, { target, identity });
  const { resumes } = await steps.run(
    "partition",
    ({ update }) => partitionOrResume(machine, { ...disk, update }),
  );
  const mounted = await steps.run("format", ({ update }) => {
    // the swarm does its part while the disk is made ready
    fetch.begin({ memory: PACKS_IN_MEMORY, writes: true, manifestOnly: resumes });
    return makeFileSystems(machine, { ...disk, fetch, resumes, update });
  });
  return await installClone(machine, { ...disk, fetch, identity, mounted, resumes });
}

/** From mounted file systems without content, or with what an earlier run has written, to the finished clone. */
export async function installClone(
  machine: Machine,
  { fetch, identity, mounted, resumes, ...disk }: PlannedDisk & {
    fetch: ImageFetch;
    identity: Identity;
    mounted: MountedClone;
    resumes: boolean;
  },
): Promise<Ending> {
  const { steps, clonePath } = machine, { clone, journal } = mounted;
  const comparison = comparisonOf({}, { resumes, own: leftPaths(disk.plan) });
  const { inMemory } = await steps.run(
    "torrent",
    (progress) => fetch.join({ path: clonePath, journal, comparison }, { memory: PACKS_IN_MEMORY, progress }),
  );
  await steps.run("install", (progress) => writeFiles(fetch, progress));
  const given = await steps.run(
    "identity",
    async (progress) => {
      await giveKeys(machine, { ...disk, clone });
      return await giveIdentity(machine, { plan: disk.plan, clone, identity, progress });
    },
  );
  await steps.run("bootloader", () => installLoader(machine, { ...disk, clone, given }));
  return await finishClone(machine, { ...disk, mounted, fetch, given, inMemory });
}

/** Work of the step "install". */
export async function writeFiles(fetch: ImageFetch, progress: StepProgress): Promise<StepOutcome> {
  await using _writing = syncPeriodically();
  return await fetch.install(progress);
}
