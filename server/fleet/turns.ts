/** Work on many nodes in turns, so that the server answers other requests in between. */

/** Nodes that one turn takes. */
const TURN = 100;

/**
 * The results of `work` for all items, slice by slice. Between two slices everything may change: what must hold when an
 * order is given has to be looked at again, without turns.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { inTurns } from "./turns.ts";
 *
 * const numbers = Array.from({ length: 250 }, (_, i) => i);
 * const sizes = await inTurns(numbers, (slice) => [slice.length]);
 * assert.deepEqual(sizes, [100, 100, 50]);
 * ```
 */
export async function inTurns<T, R>(
  items: readonly T[],
  work: (slice: readonly T[]) => readonly R[],
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += TURN) {
    if (start > 0) await new Promise((resolve) => setTimeout(resolve));
    for (const result of work(items.slice(start, start + TURN))) results.push(result);
  }
  return results;
}

/** Shows changed nodes: few at once, many in turns. A node that changes again before its turn is shown once. */
export class ChangeQueue implements Disposable {
  readonly #show: (id: string) => void;
  readonly #waiting = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `show`: shows the node (by id) as it is by then; it may be gone. */
  constructor(show: (id: string) => void) {
    this.#show = show;
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#waiting.add(id);
    if (this.#timer === undefined) this.#showSome();
  }

  /** It was shown for another reason. */
  shown(id: string): void {
    this.#waiting.delete(id);
  }

  #showSome(): void {
    for (const id of this.#waiting.values().take(TURN).toArray()) {
      this.#waiting.delete(id);
      this.#show(id);
    }
    this.#timer = this.#waiting.size === 0 ? undefined : setTimeout(() => this.#showSome());
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }
}
