/** Step "identity": the clone becomes this machine, and its files name this machine's disk. */
import { describeIdentity, type Identity } from "#contract/identity.ts";
import { messageOf } from "#contract/errors.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { type Plan, plannedSwapFiles } from "#plan/actions.ts";
import { prepareFirstBoot } from "../first_boot/prepare.ts";
import { storageDrivers } from "../../sys/storage_drivers.ts";
import { templateDisks } from "../fit/clone_disks.ts";
import { fitToDisk } from "../fit/fit_to_disk.ts";
import { applyIdentity } from "../identity/apply_identity.ts";
import { namedByMac } from "../identity/identity.ts";
import { readIdentity } from "../identity/read_identity.ts";
import type { ExistingClone } from "../restore/existing_clone.ts";
import { recordIdentity } from "./choose_identity.ts";
import type { Machine } from "./machine.ts";

export interface GivenIdentity extends StepOutcome {
  readonly identity: Identity;
  /** The identity's files. */
  readonly own: readonly string[];
  /** Files of the image that were changed for this disk. */
  readonly fitted: readonly string[];
  /** Under which host name the clone will report its first boot; undefined if it cannot. */
  readonly firstBootAs: string | undefined;
}

interface GiveOptions {
  readonly plan: Plan;
  readonly clone: CloneTree;
  /** What was kept, answered or assigned. */
  readonly identity: Identity;
  readonly progress: StepProgress;
}

/** A clone as the image has it gets its identity. */
export async function giveIdentity(machine: Machine, options: GiveOptions): Promise<GivenIdentity> {
  const message = await apply(machine, options);
  return await settle(machine, { ...options, message, own: [...options.clone.changed], fitted: [] });
}

/** A restored clone keeps its identity, unless too little of it is left. */
export async function keepOrGiveIdentity(
  machine: Machine,
  { existing, ...options }: GiveOptions & { existing: ExistingClone },
): Promise<GivenIdentity> {
  const { clone, identity } = options, { fitted } = existing;
  const kept = await existing.keepIdentity();
  if (kept === undefined) {
    const message = await apply(machine, options);
    return await settle(machine, { ...options, message, own: [...clone.changed], fitted });
  }
  const { hostname, message } = kept;
  const own = existing.ownPaths;
  return await settle(machine, { ...options, identity: { ...identity, hostname }, message, own, fitted });
}

async function apply(
  { enrolled: { header, order }, bootMac, run, signal }: Machine,
  { clone, identity }: GiveOptions,
): Promise<string> {
  const notes = await applyIdentity(identity, {
    clone,
    run,
    signal,
    templateHostname: header.source?.hostname ?? "localhost",
    bootMac,
    own: order.identity.own ?? [],
    isBackup: order.identity.isBackup ?? false,
  });
  return [describeIdentity(identity), ...notes].join("; ");
}

/** What every clone needs once its identity is on it. `fitted`: what was fitted to this disk before. */
async function settle(
  machine: Machine,
  { plan, clone, identity, progress, message, own, fitted }: GiveOptions & {
    message: string;
    own: readonly string[];
    fitted: readonly string[];
  },
): Promise<GivenIdentity> {
  const firstBoot = await prepareFirstBoot(clone, { order: machine.enrolled.order, identity });
  const notes = [firstBoot.note, await record(machine, { clone, identity })];
  const fit = await fitClone(machine, { plan, clone, fitted, progress });
  return {
    identity,
    own,
    fitted: fit.fitted,
    firstBootAs: firstBoot.willReport ? identity.hostname : undefined,
    message: [message, ...notes, ...fit.notes].filter(Boolean).join(", "),
  };
}

/** The server learns the clone's identity. Returns what could not be done: the clone is complete without it. */
async function record(
  machine: Machine,
  { clone, identity: { hostname, interfaces } }: { clone: CloneTree; identity: Identity },
): Promise<string | undefined> {
  const own = machine.enrolled.order.identity.own ?? [];
  const { machineId, hostKeys, files } = await readIdentity(clone, { nics: [], own });
  const found: Identity = {
    hostname,
    interfaces: namedByMac(interfaces, { bootMac: machine.bootMac, nics: [] }),
    ...(machineId !== undefined && { machineId }),
    hostKeys: [...hostKeys],
    files: [...files],
  };
  try {
    await recordIdentity(machine, found);
    return undefined;
  } catch (error) {
    return `the server could not be given a record of it: ${messageOf(error)}`;
  }
}

async function fitClone(
  { enrolled: { header: { layout }, order: { encryption } }, run, signal }: Machine,
  { plan, clone, fitted, progress }: Pick<GiveOptions, "plan" | "clone" | "progress"> & {
    fitted: readonly string[];
  },
): Promise<{ notes: readonly string[]; fitted: readonly string[] }> {
  for (const path of fitted) clone.changed.add(path);
  if (layout === undefined) return { notes: [], fitted };
  const { notes, rewritten } = await fitToDisk(clone, {
    disks: templateDisks(plan, { layout, encryption }),
    drivers: await storageDrivers(plan.disks.map(({ facts }) => facts.name)),
    swapFiles: plannedSwapFiles(plan),
    fitted,
    run,
    onProgress: (message) => progress.update({ message }),
    signal,
  });
  return { notes, fitted: [...new Set([...fitted, ...rewritten])] };
}
