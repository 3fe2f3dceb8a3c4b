/**
 * The disk guard: the one place that turns a planned disk into a `TargetDisk`, which everything that destroys data
 * requires. It trusts nothing that was read earlier: it reads the disk's facts again, compares them with the plan,
 * and asks the kernel whether the disk is in use.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { claimBlockDevice } from "../../sys/kernel.ts";
import { describeDisk, objections } from "#plan/choose_disk.ts";
import { type Plan, plannedEnd } from "#plan/plan.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { devicePath, readDisk } from "../../layout/disks.ts";

export class TargetDisk {
  readonly name: string;
  readonly facts: DiskFacts;
  /** No other object has this type. */
  readonly #proven = true;

  private constructor(facts: DiskFacts) {
    this.name = facts.name;
    this.facts = facts;
  }

  /** /dev/sda, or /dev/sda2 */
  device(partition?: number): string {
    return devicePath(this.name, partition);
  }

  static isProven(disk: unknown): disk is TargetDisk {
    return typeof disk === "object" && disk !== null && #proven in disk && disk.#proven;
  }

  /**
   * Throws RackseedError, with nothing written, if the disk is no longer the planned one or must not be written to.
   * `allowLoop`: accepts image files on loop devices, for rehearsals.
   *
   * @example Nothing destroys data without a proven disk
   * ```ts
   * import { TargetDisk } from "./guard.ts";
   * import { formatDisk, partitionDisk } from "./partition.ts";
   * import type { Plan } from "#plan/plan.ts";
   * import { runCommand as run } from "../../sys/command.ts";
   *
   * async function overwrite(plan: Plan): Promise<void> {
   *   const target = await TargetDisk.prove(plan);
   *   await partitionDisk(target, { plan, run });
   *   await formatDisk(target, { plan, run, onFormat: console.log });
   * }
   * ```
   */
  static async prove(plan: Plan, { allowLoop = false }: { allowLoop?: boolean } = {}): Promise<TargetDisk> {
    const { disk: planned } = plan;
    const facts = await readDisk(planned.name);
    const reasons = facts === undefined
      ? ["it is gone"]
      : [...changes(planned, facts), ...objections(facts, { allowLoop })];
    if (facts && facts.sizeBytes < plannedEnd(plan)) reasons.push("it is smaller than what the plan writes");
    if (facts && reasons.length === 0) {
      try {
        claimBlockDevice(devicePath(facts.name));
        return new TargetDisk(facts);
      } catch (error) {
        reasons.push(`the kernel does not release it (${messageOf(error)})`);
      }
    }
    throw new RackseedError(`the disk guard refuses ${describeDisk(planned)}`, {
      reason: `${reasons.join("; ")}. Nothing was written.`,
      remedy: "stop what uses the disk, or name another one, and deploy again.",
      status: 409,
    });
  }
}

/** The costliest mistake is a name that by now means another disk. */
function changes(planned: DiskFacts, now: DiskFacts): string[] {
  const same = (field: "number" | "sizeBytes" | "sectorBytes" | "model" | "serial" | "byPath") =>
    planned[field] === now[field]
      ? []
      : [`its ${field} is ${now[field]} and was ${planned[field]} in the plan`];
  return [
    ...same("number"),
    ...same("sizeBytes"),
    ...same("sectorBytes"),
    ...same("model"),
    ...same("serial"),
    ...same("byPath"),
  ];
}
