/** Steps "plan" and "guard": which disk, and the proof that it may be overwritten. */
import { readDisks } from "../../layout/disks.ts";
import type { StepOutcome } from "../../steps/step.ts";
import { describeDisk, tokensOf } from "#plan/choose_disk.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";
import { TargetDisks } from "../disk/guard.ts";
import { confirmChoice, planInstall, type PlanRequest } from "#plan/plan.ts";
import { type Plan } from "#plan/actions.ts";
import type { Machine } from "./machine.ts";

/** Throws RackseedError, with nothing written, if the image cannot be rebuilt on this machine. */
export function planMachine(
  machine: Machine,
  describe: (plan: Plan) => string[],
): StepOutcome & { plan: Plan } {
  const plan = planInstall(requestOf(machine));
  return {
    plan,
    message: plan.disks.map(({ facts }) => describeDisk(facts)).join("; "),
    planLines: describe(plan),
    disks: plan.disks.map(({ number, facts }) => ({ layoutDisk: number, ...tokensOf(facts) })),
  };
}

/** Throws RackseedError if the disk is no longer the planned one, or is in use. */
export async function proveDisk(
  machine: Machine,
  plan: Plan,
): Promise<StepOutcome & { target: TargetDisks }> {
  // the content of a disk that appeared late is not read: it may be blank, or not
  confirmChoice(plan, { request: requestOf(machine), now: await readDisks() });
  const target = await TargetDisks.prove(plan);
  const devices = target.numbers.map((number) => target.whole(number));
  const [verb, which] = devices.length > 1 ? ["are", "ones"] : ["is", "one"];
  return { target, message: `${devices.join(" and ")} ${verb} free and the planned ${which}` };
}

function requestOf({ enrolled: { header, order }, firmware, disks, firmwareTrust }: Machine): PlanRequest {
  const { node, installedDisks, encryption, restore, firstBoot } = order;
  return {
    node,
    header,
    firmware,
    disks,
    choices: order,
    installed: installedDisks,
    unlock: encryption?.unlock,
    firstBootHooks: firstBoot && hooksAt("first-boot", order).map(({ name }) => name),
    // what is restored has started here before
    ...(restore === undefined && firmwareTrust && {
      secureStart: {
        ...firmwareTrust,
        signs: order.signs,
        requestsMok: order.secureBoot?.mok !== undefined,
      },
    }),
    isDryRun: restore?.dryRun,
  };
}
