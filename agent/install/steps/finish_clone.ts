/** Steps "verify", "post-install", "seed" and "finish": the same for an installed clone and a restored one. */
import type { Identity } from "#contract/identity.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";
import { syncAll } from "../../sys/kernel.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { plainMounts } from "#plan/actions.ts";
import { loadClone, type Loaded } from "../boot_loader/load_clone.ts";
import type { ImageFetch } from "../fetch/image_fetch.ts";
import { writeIndex } from "../records/clone_record.ts";
import type { GivenIdentity } from "./give_identity.ts";
import type { Ending, Machine, PlannedDisk } from "./machine.ts";
import { devicesOf, runMachineHooks } from "./machine_hooks.ts";
import { keepMediumReport } from "./medium_report.ts";
import { type MountedClone, releaseClone } from "./mounted_clone.ts";

interface WrittenClone extends PlannedDisk {
  readonly mounted: MountedClone;
  readonly fetch: ImageFetch;
  readonly given: GivenIdentity;
  /** Whether the packs are in memory. If they are on the clone's disk, it stays mounted while they are seeded. */
  readonly inMemory: boolean;
}

export async function finishClone(machine: Machine, written: WrittenClone): Promise<Ending> {
  const { steps, enrolled: { order } } = machine;
  const { fetch, inMemory, given: { identity, firstBootAs } } = written;
  let ending: Ending = "firmware";
  const release = async () => {
    const loaded = await loadIfOrdered(machine, written);
    if (loaded?.isLoaded) ending = "kexec";
    await keepMediumReport(machine, { clone: written.mounted.clone, identity });
    const message = await releaseClone(machine, written);
    return loaded ? `${message}; ${loaded.note}` : message;
  };
  const isHooked = hooksAt("post-install", order).length > 0;
  await steps.run("verify", async () => {
    const message = await verify(written);
    return { message: inMemory && !isHooked ? `${message}; ${await release()}` : message };
  });
  // after the verification, which would find what hooks change
  if (isHooked) await runPostInstallHooks(machine, { ...written, identity, release });
  await steps.run("seed", (progress) => fetch.seed(progress));
  await steps.run("finish", async () => {
    if (inMemory) return { message: "the clone is ready", reportsAs: firstBootAs };
    // the packs were on the clone's own disk, which could not be unmounted before
    await fetch[Symbol.asyncDispose]();
    return { message: `the clone is ready; ${await release()}`, reportsAs: firstBootAs };
  });
  return ending;
}

/** While the clone is mounted, and after the hooks, which may change its boot configuration. */
async function loadIfOrdered(
  { enrolled: { order, header } }: Machine,
  { mounted: { clone } }: WrittenClone,
): Promise<Loaded | undefined> {
  if (order.finish !== "kexec") return undefined;
  return await loadClone(clone, { facts: header.layout?.boot ?? GRUB_ONLY });
}

async function verify({ plan, mounted: { clone }, fetch }: WrittenClone): Promise<string> {
  const { changed } = clone;
  // the index says what is on the disk, so that must be there first
  syncAll();
  const options = { privileged: true, changed, plain: plainMounts(plan), fromDisk: true };
  await writeIndex(clone, fetch.contentIndex(options));
  const { message = "" } = await fetch.verify(options);
  return message;
}

async function runPostInstallHooks(
  { steps, enrolled: { order }, clonePath, log, signal }: Machine,
  { target, identity, inMemory, release }: WrittenClone & {
    identity: Identity;
    release: () => Promise<string>;
  },
): Promise<void> {
  const options = { order, identity, disks: devicesOf(target), root: clonePath, log, signal };
  await steps.run("post-install", async (progress) => {
    const outcome = await runMachineHooks("post-install", { ...options, progress });
    return inMemory ? { ...outcome, message: `${outcome.message}; ${await release()}` } : outcome;
  });
}
