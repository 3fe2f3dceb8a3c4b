/** Whether there is exactly one way to give each place a disk. Pure. */

/** More attempts than any real machine needs; beyond them the choice counts as open. */
const MOST_ATTEMPTS = 50_000;

/**
 * `kinds`: of each place; places of the same kind may be exchanged. `fits`: for each disk, which places it fits.
 * Returns the disk of each place, "none", or "several" if that is a choice. Whether disks are left over is not judged
 * here.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(matchDisks(["a", "a"], [[true, true], [true, true]]), [0, 1]);
 * assert.equal(matchDisks(["a", "b"], [[true, true], [true, true]]), "several");
 * assert.deepEqual(matchDisks(["a", "b"], [[true, true], [true, false]]), [1, 0]);
 * ```
 */
export function matchDisks(
  kinds: readonly string[],
  fits: readonly (readonly boolean[])[],
): readonly number[] | "none" | "several" {
  const found: (readonly number[])[] = [];
  let attempts = 0;
  /** Disks of one kind go in order, so that exchanges count once. */
  const inOrder = (place: number, disk: number, taken: readonly number[]) => {
    const alike = (other: number) => kinds[other] === kinds[place];
    const behind = kinds.filter((_, other) => other > place && alike(other)).length;
    return disk + behind < fits.length && taken.every((earlier, other) => !alike(other) || earlier < disk);
  };
  const visit = (taken: readonly number[]): void => {
    const place = taken.length;
    if (place === kinds.length) found.push(taken);
    if (place === kinds.length || found.length > 1 || attempts++ > MOST_ATTEMPTS) return;
    for (const [disk, row] of fits.entries()) {
      if (row[place] && !taken.includes(disk) && inOrder(place, disk, taken)) visit([...taken, disk]);
    }
  };
  if (kinds.length <= fits.length) visit([]);
  const [first, ...others] = found;
  if (others.length > 0 || attempts > MOST_ATTEMPTS) return "several";
  return first ?? "none";
}
