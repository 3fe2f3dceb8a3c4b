/**
 * What a capture asks before it makes an image. Pure. It is what the plan asks before it touches a disk, so a layout that
 * is not rebuilt is refused while its template can still be changed.
 */
import { RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Obstacle } from "./obstacle.ts";
import { findObstacles } from "./obstacles.ts";
import { planBootLoader } from "./plan_boot_loader.ts";

/**
 * Each with what to do about it; empty if the layout can be rebuilt on machines with disks that fit.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const layout = { disks: [], fileSystems: [], swap: [] };
 * assert.match(obstaclesOf(layout, "bios")[0] ?? "", /^the layout has no root file system with a UUID: capture /);
 * ```
 */
export function obstaclesOf(layout: DiskLayout, firmware: "bios" | "uefi"): string[] {
  const found = findObstacles(layout).map(phrase);
  if (found.length > 0) return found;
  try {
    planBootLoader({ layout, firmware, image: "" });
    return [];
  } catch (error) {
    if (error instanceof RackseedError) {
      return [phrase({ reason: error.reason ?? error.title, remedy: error.remedy ?? "" })];
    }
    throw error;
  }
}

/** The plan speaks of a template elsewhere, the capture to the person in front of it. */
function phrase({ reason, remedy }: Obstacle): string {
  const plain = (text: string) => text.replace(/^its (template's )?/, "the ").replace(/\.$/, "");
  return `${plain(reason)}: ${plain(remedy)}`;
}
