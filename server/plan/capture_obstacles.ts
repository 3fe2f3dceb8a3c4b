/**
 * What a capture asks before it makes an image. Pure. It is what the plan asks before it touches a disk, so a layout that
 * is not rebuilt is refused while its template can still be changed.
 */
import { RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { findObstacles } from "./obstacles.ts";
import { planBootLoader } from "./plan_boot_loader.ts";

/**
 * Sentences about the template; empty if its layout can be rebuilt on machines with disks that fit.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const layout = { disks: [], fileSystems: [], swap: [] };
 * assert.deepEqual(obstaclesOf(layout, "bios"), ["its layout has no root file system with a UUID."]);
 * ```
 */
export function obstaclesOf(layout: DiskLayout, firmware: "bios" | "uefi"): string[] {
  const found = findObstacles(layout).map(({ reason }) => reason);
  if (found.length > 0) return found;
  try {
    planBootLoader({ layout, firmware, image: "" });
    return [];
  } catch (error) {
    if (error instanceof RackseedError) return [error.reason ?? error.title];
    throw error;
  }
}
