/** Steps "plan" and "guard": which disk, and the proof that it may be overwritten. */
import { readDisks } from "../../layout/disks.ts";
import type { StepOutcome } from "../../steps/step.ts";
import { describeDisk, tokensOf } from "#plan/choose_disk.ts";
import { TargetDisk } from "../disk/guard.ts";
import { confirmChoice, type Plan, planInstall, type PlanRequest } from "#plan/plan.ts";
import type { Machine } from "./machine.ts";

/** Throws RackseedError, with nothing written, if the image cannot be rebuilt on this machine. */
export function planMachine(
  machine: Machine,
  describe: (plan: Plan) => string[],
): StepOutcome & { plan: Plan } {
  const plan = planInstall(requestOf(machine));
  const disks = [{ layoutDisk: 0, ...tokensOf(plan.disk) }];
  return { plan, message: describeDisk(plan.disk), planLines: describe(plan), disks };
}

/** Throws RackseedError if the disk is no longer the planned one, or is in use. */
export async function proveDisk(
  machine: Machine,
  plan: Plan,
): Promise<StepOutcome & { target: TargetDisk }> {
  // the content of a disk that appeared late is not read: it may be blank, or not
  confirmChoice(plan, { ...requestOf(machine), disks: await readDisks() });
  const target = await TargetDisk.prove(plan);
  return { target, message: `${target.device()} is free and the planned one` };
}

function requestOf({ enrolled: { header, order }, firmware, disks }: Machine): PlanRequest {
  const { node, disks: named, installedDisks } = order;
  return { node, header, firmware, disks, disk: named?.[0], installed: installedDisks?.[0] };
}
