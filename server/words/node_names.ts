/**
 * Many node names in one argument, as Slurm, Warewulf and shells write them:
 *
 *     node[001-128]    node001 to node128; zero-padded if the first number is
 *     node{001..128}   the same
 *     r[1-2]n[1,5-7]   r1n1, r1n5, r1n6, r1n7, r2n1 …
 *     @storage         all nodes of that group
 */
import { UsageError } from "./usage.ts";

/** The API's limit. */
const MAX_NODES = 10_000;
const RANGE = /\[([\d,-]+)\]|\{(\d+)\.\.(\d+)\}/;

/**
 * Throws UsageError.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(expandNames("node[008-010]"), ["node008", "node009", "node010"]);
 * assert.deepEqual(expandNames("r[1-2]n[1,5]"), ["r1n1", "r1n5", "r2n1", "r2n5"]);
 * ```
 */
export function expandNames(pattern: string): string[] {
  const match = RANGE.exec(pattern);
  if (!match) {
    if (!/[[\]{}]/.test(pattern)) return [pattern];
    throw new UsageError(`"${pattern}" is not a name: a range has the form node[001-128] or node{001..128}.`);
  }
  const [whole, list, first, last] = match;
  const before = pattern.slice(0, match.index), after = pattern.slice(match.index + whole.length);
  const numbers = list === undefined
    ? numbersOf(first ?? "", last ?? "", pattern)
    : list.split(",").flatMap((part) => {
      const [low = "", high = low, ...more] = part.split("-");
      if (low !== "" && high !== "" && more.length === 0) return numbersOf(low, high, pattern);
      throw new UsageError(`"${pattern}" contains "${part}": a range has the form 1-8 or 3.`);
    });
  const ends = expandNames(after);
  if (numbers.length * ends.length > MAX_NODES) throw tooMany(pattern);
  return numbers.flatMap((number) => ends.map((end) => `${before}${number}${end}`));
}

function numbersOf(first: string, last: string, pattern: string): string[] {
  const low = Number(first), high = Number(last);
  if (high < low) throw new UsageError(`"${pattern}" counts backwards.`);
  if (high - low >= MAX_NODES) throw tooMany(pattern);
  const width = first.startsWith("0") ? first.length : 0;
  return Array.from({ length: high - low + 1 }, (_, i) => String(low + i).padStart(width, "0"));
}

function tooMany(pattern: string): UsageError {
  return new UsageError(`"${pattern}" names more than ${MAX_NODES} nodes.`);
}

/** Returns each name once, in the order given. Throws UsageError if a group has no nodes. */
export function nodeNames(
  patterns: readonly string[],
  { nodes }: {
    nodes: readonly { readonly name: string; readonly settings: { readonly group?: string | undefined } }[];
  },
): string[] {
  const names = patterns.flatMap((pattern) => {
    if (!pattern.startsWith("@")) return expandNames(pattern);
    const members = nodes.filter(({ settings }) => settings.group === pattern.slice(1)).map(({ name }) =>
      name
    );
    if (members.length > 0) return members;
    throw new UsageError(`the group ${pattern.slice(1)} has no nodes. See \`rackseed node list\`.`);
  });
  return [...new Set(names)];
}

export function hasGroup(patterns: readonly string[]): boolean {
  return patterns.some((pattern) => pattern.startsWith("@"));
}
