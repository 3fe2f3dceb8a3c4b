/**
 * The disk guard: the one place that turns planned disks into `TargetDisks`, which everything that destroys data
 * requires. It trusts nothing that was read earlier: it reads each disk's facts again, compares them with the plan,
 * and asks the kernel whether the disk is in use.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { claimBlockDevice } from "../../sys/kernel.ts";
import { describeDisk, objections } from "#plan/choose_disk.ts";
import { type Plan, type PlannedDisk, plannedEnd } from "#plan/actions.ts";
import { describeVolume, type Volume } from "#contract/format/layout.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { devicePath, readDisk } from "../../layout/disks.ts";

export class TargetDisks {
  readonly #disks: ReadonlyMap<number, DiskFacts>;
  /** Devices of arrays, LUKS and logical volumes while they are active, by the volume's text. */
  readonly #active = new Map<string, string>();
  /** No other object has this type. */
  readonly #proven = true;

  private constructor(disks: ReadonlyMap<number, DiskFacts>) {
    this.#disks = disks;
  }

  static isProven(disks: unknown): disks is TargetDisks {
    return typeof disks === "object" && disks !== null && #proven in disks && disks.#proven;
  }

  /** Numbers of the layout's disks that are proven, in order. */
  get numbers(): readonly number[] {
    return [...this.#disks.keys()];
  }

  /** Throws RangeError for a disk that is not proven. */
  facts(number: number): DiskFacts {
    const facts = this.#disks.get(number);
    if (facts === undefined) throw new RangeError(`disk ${number} is not proven`);
    return facts;
  }

  /** "/dev/sda", for disk 0 unless another one is named. */
  whole(number = 0): string {
    return devicePath(this.facts(number).name);
  }

  /** "/dev/sda2", "/dev/mapper/vg-root". Throws RangeError if there is no such device now. */
  device(volume: Volume): string {
    if (volume.kind === "disk") return this.whole(volume.disk);
    if (volume.kind === "partition") return devicePath(this.facts(volume.disk).name, volume.number);
    const device = this.#active.get(describeVolume(volume));
    if (device === undefined) throw new RangeError(`${describeVolume(volume)} is not active`);
    return device;
  }

  isActive(volume: Volume): boolean {
    return volume.kind === "disk" || volume.kind === "partition" || this.#active.has(describeVolume(volume));
  }

  /** Notes the device of an array, a LUKS or a logical volume on these disks; undefined if it is no longer active. */
  setActive(volume: Volume, device: string | undefined): void {
    if (device === undefined) this.#active.delete(describeVolume(volume));
    else this.#active.set(describeVolume(volume), device);
  }

  /**
   * Throws RackseedError, with nothing written, if a disk is no longer the planned one or must not be written to.
   * `allowLoop`: accepts image files on loop devices, for rehearsals.
   *
   * @example Nothing destroys data without proven disks
   * ```ts
   * import type { Plan } from "#plan/actions.ts";
   * import { TargetDisks } from "./guard.ts";
   * import { formatDisk, partitionDisk } from "./partition.ts";
   * import { runCommand as run } from "../../sys/command.ts";
   *
   * async function overwrite(plan: Plan): Promise<void> {
   *   const target = await TargetDisks.prove(plan);
   *   await partitionDisk(target, { plan, run });
   *   await formatDisk(target, { plan, run, onFormat: console.log });
   * }
   * ```
   */
  static async prove(plan: Plan, { allowLoop = false }: { allowLoop?: boolean } = {}): Promise<TargetDisks> {
    const disks = new Map<number, DiskFacts>();
    // in order of their numbers: the first that is refused is named, and nothing is written to any
    for (const planned of plan.disks) {
      disks.set(
        planned.number,
        await proveDisk(planned, { end: plannedEnd(plan, planned.number), allowLoop }),
      );
    }
    return new TargetDisks(disks);
  }
}

async function proveDisk(
  { facts: planned }: PlannedDisk,
  { end, allowLoop }: { end: number; allowLoop: boolean },
): Promise<DiskFacts> {
  const facts = await readDisk(planned.name);
  const reasons = facts === undefined
    ? ["it is gone"]
    : [...changes(planned, facts), ...objections(facts, { allowLoop })];
  if (facts && facts.sizeBytes < end) reasons.push("it is smaller than what the plan writes");
  if (facts && reasons.length === 0) {
    try {
      for (const path of facts.paths ?? [facts.name]) claimBlockDevice(devicePath(path));
      return facts;
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
