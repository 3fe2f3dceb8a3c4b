/** Nodes that somebody looks at: a node's page asks for it again whenever it has changed. In memory only. */

/** Longer than the longest pause between two reports, so that a page that waits for the next one counts. */
const KEPT_MS = 15_000;
/** A program that asks for every node again and again does not watch them. */
const MOST = 20;

export class WatchedNodes {
  /** When each was last asked for, by id, the latest at the end. */
  readonly #asked = new Map<string, number>();
  readonly #now: () => number;

  constructor({ now }: { now: () => number }) {
    this.#now = now;
  }

  note(node: string): void {
    this.#asked.delete(node);
    this.#asked.set(node, this.#now());
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size > MOST) this.#asked.delete(oldest);
  }

  has(node: string): boolean {
    const askedMs = this.#asked.get(node);
    return askedMs !== undefined && this.#now() - askedMs < KEPT_MS;
  }
}
