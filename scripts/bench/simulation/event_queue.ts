/** Events on a virtual clock. Events of the same moment happen in the order in which they were added. */
export class EventQueue {
  /** A binary heap by time, then by number. */
  readonly #heap: { readonly at: number; readonly number: number; readonly act: () => void }[] = [];
  #number = 0;
  /** Milliseconds. */
  now = 0;

  /** When the next event happens; Infinity if there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  after(ms: number, act: () => void): void {
    const heap = this.#heap;
    const event = { at: this.now + ms, number: this.#number++, act };
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = event;
  }

  /** Runs the next event; false if there is none. */
  step(): boolean {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (!first || !last) return false;
    if (heap.length > 0) this.#sink(last);
    this.now = first.at;
    first.act();
    return true;
  }

  #sink(event: { readonly at: number; readonly number: number; readonly act: () => void }): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, event)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = event;
  }
}

type Timed = { readonly at: number; readonly number: number };

function isBefore(a: Timed, b: Timed): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
