/**
 * The known word that a mistyped one most likely stands for; undefined if none is near. `within`: most letters that
 * may differ (default: two, or a third of the word).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { nearest } from "./nearest.ts";
 *
 * assert.equal(nearest("htp-port", ["http-port", "tftp-port"]), "http-port");
 * assert.equal(nearest("colour", ["http-port", "tftp-port"]), undefined);
 * ```
 */
export function nearest(
  word: string,
  known: Iterable<string>,
  { within }: { within?: number } = {},
): string | undefined {
  const near = [...known]
    .map((name) => ({ name, edits: editDistance(word, name) }))
    .filter(({ name, edits }) => edits <= (within ?? Math.max(2, name.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.name;
}

/** Levenshtein's distance: how many letters are inserted, removed or replaced. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
