/**
 * A restore: the disk is compared with the image, and only what differs is written. A disk that cannot be restored is
 * overwritten as by an installation.
 */
import type { Order } from "#contract/api.ts";
import type { Identity } from "#contract/identity.ts";
import { describeRestore } from "#plan/plan_description.ts";
import { ImageFetch } from "../fetch/image_fetch.ts";
import { keepOrInstallLoader } from "./boot_loader.ts";
import { chooseIdentity } from "./choose_identity.ts";
import { compareOnly } from "./dry_run.ts";
import { type MendedClone, mendOrOverwrite } from "./existing_disk.ts";
import { finishClone } from "./finish_clone.ts";
import { keepOrGiveIdentity } from "./give_identity.ts";
import { installClone, writeFiles } from "./install_chain.ts";
import { type Ending, type Machine, PACKS_IN_MEMORY, type PlannedDisk } from "./machine.ts";
import { runPreInstallHooks } from "./machine_hooks.ts";
import { planMachine, proveDisk } from "./plan.ts";
import { openingKeys } from "./volume_keys.ts";

/** Returns how the machine gets into its own system. Throws RackseedError of the step that failed. */
export async function restoreMachine(
  machine: Machine,
  restore: NonNullable<Order["restore"]>,
): Promise<Ending> {
  const { steps, stack, enrolled: { order, header: { layout } }, run, signal } = machine;
  const fetch = stack.use(new ImageFetch(machine));
  const { plan } = await steps.run("plan", () => {
    const planned = planMachine(machine, (plan) => describeRestore(plan, restore));
    // what is on the disk decides what else is needed
    fetch.begin({ memory: PACKS_IN_MEMORY, writes: !restore.dryRun, manifestOnly: true });
    return planned;
  });
  const { target } = await steps.run("guard", () => proveDisk(machine, plan));
  const request = { order: { ...order, restore }, plan, layout, keys: openingKeys(order), run, signal };
  const identity = await chooseIdentity(machine, target);
  if (restore.dryRun) {
    await compareOnly(machine, { target, request, fetch });
    return "firmware";
  }
  const disk = { plan, target };
  await runPreInstallHooks(machine, { target, identity });
  const mounted = await mendOrOverwrite(machine, { ...disk, request, fetch });
  if (mounted.existing === undefined) {
    return await installClone(machine, { ...disk, fetch, identity, mounted, resumes: false });
  }
  return await restoreClone(machine, { ...disk, fetch, identity, mounted });
}

async function restoreClone(
  machine: Machine,
  { fetch, identity, mounted, ...disk }: PlannedDisk & {
    fetch: ImageFetch;
    identity: Identity;
    mounted: MendedClone;
  },
): Promise<Ending> {
  const { steps, clonePath } = machine, { clone, journal, existing, ahead, notes } = mounted;
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
  return await finishClone(machine, { ...disk, mounted, fetch, given, inMemory });
}
