/**
 * The disks that the operator wants left alone (`LeaveDisk` in #contract/api/disks.ts has the grammar): they are never
 * written, and never candidates. Pure.
 */
import type { DiskFacts } from "#contract/disk_facts.ts";
import { matchesWildcard } from "#contract/wildcard.ts";

const UNITS = { M: 2, G: 3, T: 4 };

/**
 * Why the disk is to be left alone, as text; undefined if no pattern covers it. In doubt it is left alone.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import type { DiskFacts } from "#contract/disk_facts.ts";
 *
 * function example(disk: DiskFacts) {
 *   const large = { ...disk, sizeBytes: 4e12 };
 *   assert.equal(leftAlone(large, [">2TB"]), "it is to be left alone (>2TB)");
 *   assert.equal(leftAlone(large, ["<2TB"]), undefined);
 * }
 * ```
 */
export function leftAlone(disk: DiskFacts, patterns: readonly string[]): string | undefined {
  const pattern = patterns.find((pattern) => covers(pattern, disk));
  if (pattern === undefined) return undefined;
  const isDoubtful = pattern.startsWith("label=") && disk.labels === undefined;
  return `it is to be left alone (${pattern}${isDoubtful ? ", and its labels are not known" : ""})`;
}

function covers(pattern: string, disk: DiskFacts): boolean {
  const [, sign, number, unit = "", binary] = /^([<>])([\d.]+)([MGT])(i?)B$/.exec(pattern) ?? [];
  if (sign !== undefined) {
    const bytes = Number(number) * (binary ? 1024 : 1000) ** UNITS[unit as keyof typeof UNITS];
    return sign === ">" ? disk.sizeBytes > bytes : disk.sizeBytes < bytes;
  }
  const label = /^label=(.*)$/.exec(pattern)?.[1];
  if (label === undefined) return disk.names.some((name) => matchesWildcard(name, pattern));
  return disk.labels?.some((found) => matchesWildcard(found, label)) ?? true;
}
