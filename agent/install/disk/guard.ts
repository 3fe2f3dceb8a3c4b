/**
 * The disk guard: the one place that turns a planned disk into a `TargetDisk`, which is what everything that
 * destroys takes. It believes nothing that was read earlier: the facts are read again, compared with the plan,
 * and the kernel itself is asked whether it uses the disk.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { claimBlockDevice } from "../../sys/kernel.ts";
import { describeDisk, objections } from "./choose_disk.ts";
import { type Plan, plannedEnd } from "./plan.ts";
import { devicePath, type DiskFacts, readDisk } from "../../layout/disks.ts";

export class TargetDisk {
  readonly name: string;
  readonly facts: DiskFacts;
  /** Keeps every other object from having this type. */
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
   * Throws RackseedError, with nothing written, where the disk is not the planned one any more or anything
   * stands against it. `allowLoop`: image files on loop devices, for rehearsals.
   */
  static async prove(plan: Plan, { allowLoop = false }: { allowLoop?: boolean } = {}): Promise<TargetDisk> {
    const { disk: planned } = plan;
    const facts = await readDisk(planned.name);
    const reasons = facts === undefined
      ? ["it is not there any more"]
      : [...changes(planned, facts), ...objections(facts, { allowLoop })];
    if (facts && facts.sizeBytes < plannedEnd(plan)) reasons.push("it ends before what the plan writes");
    if (facts && reasons.length === 0) {
      try {
        claimBlockDevice(devicePath(facts.name));
        return new TargetDisk(facts);
      } catch (error) {
        reasons.push(`the kernel does not give it away (${messageOf(error)})`);
      }
    }
    throw new RackseedError(`the disk guard refuses ${describeDisk(planned)}`, {
      reason: `${reasons.join("; ")}. Nothing was written.`,
      remedy: "free the disk of what uses it, or name another one, and deploy again.",
      status: 409,
    });
  }
}

/** A name that now means another disk is the mistake that costs most. */
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
