/** What a change of a node's settings changed, a line for each setting. Pure. */
import type { NodeSettings } from "#contract/api.ts";

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(settingsChanges({ rack: "r1", group: "web" }, { rack: "r2", hostname: "n1" }), [
 *   "group: web → –",
 *   "hostname: – → n1",
 *   "rack: r1 → r2",
 * ]);
 * ```
 */
export function settingsChanges(before: NodeSettings, after: NodeSettings): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof NodeSettings>;
  return [...names].sort().flatMap((name) => {
    const from = textOf(before[name]), to = textOf(after[name]);
    return from === to ? [] : [`${name}: ${from} → ${to}`];
  });
}

function textOf(value: NodeSettings[keyof NodeSettings]): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
