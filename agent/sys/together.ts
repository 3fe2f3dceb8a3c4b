/** How many programs run at the same time, each of which may need much memory. */
const MAX_AT_ONCE = 4;

/**
 * Runs tasks at the same time, at most four, and waits for all that have begun, even if one fails: none goes on
 * unattended. Throws the first failure; then no further task begins.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const done: number[] = [];
 * await together([1, 2, 3].map((n) => async () => void done.push(n)));
 * assert.deepEqual(done.sort(), [1, 2, 3]);
 * await assert.rejects(together([() => Promise.reject(new Error("no space"))]), /no space/);
 * ```
 */
export async function together(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = tasks.values(), failures: unknown[] = [];
  const work = async () => {
    for (const task of waiting) {
      try {
        await task();
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: MAX_AT_ONCE }, work));
  if (failures.length > 0) throw failures[0];
}
