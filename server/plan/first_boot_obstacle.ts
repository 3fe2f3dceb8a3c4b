/** Hooks that the image cannot run at the clone's first boot. Pure. */
import type { Obstacle } from "./obstacle.ts";

/**
 * `lack`: what the image lacks to run something at its first boot, if anything; `hooks`: names.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(firstBootObstacle("none of curl, bash, perl, wget", []), undefined);
 * ```
 */
export function firstBootObstacle(lack: string | undefined, hooks: readonly string[]): Obstacle | undefined {
  if (lack === undefined || hooks.length === 0) return undefined;
  return {
    reason: `the image has ${lack}, and so cannot run hooks at the first boot.`,
    remedy: "install one of them on the template and capture it again, or remove the hooks: " +
      `${hooks.join(", ")}.`,
  };
}
