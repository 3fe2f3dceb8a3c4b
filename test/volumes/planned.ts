/**
 * Layouts of a template, carried out by the planner and the executor together. What the reader then finds on the disks
 * is planned once more: on the same disks the same plan must come out.
 */
import assert from "node:assert/strict";
import { activateVolumes } from "../../agent/install/disk/active_volumes.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { makeVolumes } from "../../agent/install/disk/make_volumes.ts";
import { checkFileSystems, formatDisk, mountTree } from "../../agent/install/disk/partition.ts";
import { rehearse } from "../../agent/install/disk/rehearse.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { syncAll } from "../../agent/sys/kernel.ts";
import type { DiskLayout, Volume } from "#contract/format/layout.ts";
import type { Header } from "#contract/format/manifest.ts";
import { type Action, actionsOf, type Plan } from "#plan/actions.ts";
import { planInstall } from "#plan/plan.ts";
import type { Template } from "#plan/testing/template.ts";
import { assertReleased } from "./in_small_vm.ts";
import { readMounted } from "./read_mounted.ts";
import { facts } from "./stacks.ts";

export const KIB = 1024;
export const MIB = 1 << 20;
const keys = { recoveryKey: "a recovery key" };
const AT = "/mnt/m";

interface Carried {
  /** The machine's disks, one for each of the layout's. */
  readonly on: readonly string[];
  /** Number of disks that the mirror gets. */
  readonly mirror?: number;
}

/** The same partition on several disks. */
export function onEach(disks: readonly number[], number: number): Volume[] {
  return disks.map((disk) => ({ kind: "partition", disk, number }));
}

export async function planFor(header: Header, { on, mirror }: Carried): Promise<Plan> {
  const disks = (await facts(on)).map((disk) => ({ ...disk, content: "", labels: [], signatures: [] }));
  const names = disks.map(({ names: [name = ""] }) => name);
  return planInstall({
    node: "n1",
    header,
    firmware: header.source?.firmware ?? "bios",
    disks,
    choices: { disks: names, ...mirror !== undefined && { mirror } },
    unlock: "key-file",
  });
}

/**
 * Carries the layout's plan out, reads the layout back while it is mounted, and plans that again. Returns the first
 * plan and the layout that was read.
 */
export async function carriedOut(
  template: Template,
  choice: Carried,
): Promise<{ plan: Plan; layout: DiskLayout }> {
  const { header } = template;
  // as a capture sorts them
  header.layout?.fileSystems.sort((a, b) => a.mountPoint < b.mountPoint ? -1 : 1);
  const plan = await planFor(header, choice);
  let layout: DiskLayout | undefined;
  await filledAndFound(plan, async (target) => {
    const volumes = plan.layout.swap.map(({ volume }) => target.device(volume));
    const swapDevices = await Promise.all(volumes.map((device) => Deno.realPath(device)));
    const read = await readMounted({ swapDevices });
    // the copies of an ESP are mounted nowhere
    const unmounted = actionsOf(plan, "format").map(({ formatting }) => formatting)
      .filter(({ type, mountPoint }) => type === "vfat" && mountPoint === undefined);
    assert.deepEqual(read.unseen.map(({ volume }) => volume), unmounted.map(({ volume }) => volume));
    layout = read.layout;
  });
  assert(layout);
  const again = await planFor({ ...header, layout }, { on: choice.on });
  assert.deepEqual(essence(again), essence(plan));
  return { plan, layout };
}

/**
 * Makes everything that the plan has, writes a file to each file system, takes all apart, assembles it again and finds
 * the files. `look`: while it is mounted.
 */
export async function filledAndFound(
  plan: Plan,
  look: (target: TargetDisks) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await rehearse(plan, { keys, unlock: "key-file", run });
  const target = await TargetDisks.prove(plan);
  {
    await using _made = await makeVolumes(target, { plan, keys, onMake: () => {}, run });
    await formatDisk(target, { plan, run, onFormat: () => {} });
    {
      await Deno.mkdir(AT, { recursive: true });
      await using _mounts = await mountTree(target, { plan, at: AT });
      for (const { mountPoint } of actionsOf(plan, "mount")) {
        await Deno.writeTextFile(`${AT}${mountPoint}/file`, mountPoint);
      }
      syncAll();
      await look(target);
    }
    await checkFileSystems(target, { plan, run });
  }
  assertReleased();
  await foundAgain(target, plan);
}

async function foundAgain(target: TargetDisks, plan: Plan): Promise<void> {
  {
    await using found = await activateVolumes(target, {
      plan,
      keys: [keys.recoveryKey],
      readOnly: true,
      run,
    });
    assert.deepEqual(found.missing, [], `${found.notes}`);
    await using _mounts = await mountTree(target, { plan, at: AT, readOnly: true });
    for (const { mountPoint } of actionsOf(plan, "mount")) {
      assert.equal(await Deno.readTextFile(`${AT}${mountPoint}/file`), mountPoint);
    }
  }
  assertReleased();
}

/** What two plans must have in common: everything but how a file system is made, and in whose name. */
function essence({ actions }: Plan): unknown[] {
  return actions.flatMap((action) => essentialOf(action) ?? []);
}

function essentialOf(action: Action): unknown {
  switch (action.do) {
    case "partition": {
      const { grown: _, id, partitions, ...table } = action;
      const lower = partitions.map((p) => ({
        ...p,
        uuid: p.uuid?.toLowerCase(),
        type: p.type.toLowerCase(),
      }));
      return { ...table, id: id?.toLowerCase(), partitions: lower };
    }
    case "md":
      // mdadm gives one to an array that had none
      return { ...action, array: { ...action.array, superblockName: undefined } };
    case "format": {
      const { volume, more = [], type, sizeBytes, mountPoint, uuid } = action.formatting;
      return { do: "format", volume, more, type, sizeBytes, mountPoint, uuid };
    }
    case "mount": {
      const { volume, more = [], type, mountPoint } = action;
      return { do: "mount", volume, more, type, mountPoint };
    }
    case "lvm": {
      const { logical, ...group } = action.group;
      // LVM lists them by name, and the first to be placed gets the first extents
      const volumes = logical.toSorted((a, b) => a.name < b.name ? -1 : 1)
        .map(({ extents, ...volume }) => ({ ...volume, extents: sum(extents.map(({ count }) => count)) }));
      return { ...action, group: { ...group, logical: volumes } };
    }
    case "luks":
    case "erase":
      return action;
    case "wipe":
    case "swap-file":
    case "boot-loader":
      return undefined;
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
