/** Whether the clone's initramfs must be made again on this machine, and cannot be. Pure. */
import type { DiskLayout } from "#contract/format/layout.ts";
import type { PlannedDisk } from "./actions.ts";
import { describeDisk } from "./choose_disk.ts";
import type { Obstacle } from "./obstacle.ts";

/** An initramfs with the drivers of one machine has to be made again on another kind of machine. */
export function initramfsObstacle(
  { boot }: DiskLayout,
  disks: readonly PlannedDisk[],
): Obstacle | undefined {
  if (boot?.noRemake === undefined || !boot.hostOnly) return undefined;
  for (const { facts } of disks) {
    const missing = (facts.drivers ?? []).filter((name) => !boot.drivers.includes(name));
    if (missing.length === 0) continue;
    return {
      reason: `its initramfs has only the template's drivers, ${describeDisk(facts)} needs ${
        missing.join(", ")
      }, and it cannot be made again: ${boot.noRemake}.`,
      remedy:
        "change that on the template, or make an initramfs for any machine there, and capture it again.",
    };
  }
  return undefined;
}
