/** Works through many machines, a few at a time, so that a rack does not draw its inrush current all at once. */
import type { Pause } from "./power_driver.ts";

interface StaggerOptions<T> {
  readonly atOnce: number;
  /** After each item, before its place is taken by another. */
  readonly pauseMs: number;
  readonly pause: Pause;
  readonly signal: AbortSignal;
  /** Must not throw: one failure does not stop the rest. */
  readonly work: (item: T) => Promise<void>;
}

/**
 * Throws only the signal's reason.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const { signal } = new AbortController();
 * const pause = () => Promise.resolve();
 * const done: number[] = [];
 * const work = (n: number) => Promise.resolve(void done.push(n));
 * await staggered([1, 2, 3], { atOnce: 2, pauseMs: 2000, pause, signal, work });
 * assert.deepEqual(done, [1, 2, 3]);
 * ```
 */
export async function staggered<T>(
  items: readonly T[],
  { atOnce, pauseMs, pause, signal, work }: StaggerOptions<T>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    let isFirst = true;
    for (const item of left) {
      if (!isFirst && pauseMs > 0) await pause(pauseMs, signal);
      isFirst = false;
      signal.throwIfAborted();
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
