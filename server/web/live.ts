/** Sends live events to many watchers, and batches those of mere progress. */
import type { NodeView, ServerEvent } from "#contract/api.ts";
import { Watchers } from "./watchers.ts";

/** Progress is sent in batches: at most 400 nodes' per second, however many there are. */
const PROGRESS = { everyMs: 250, batch: 100 };

export class LiveEvents implements Disposable {
  readonly #watchers: Watchers;
  /** The nodes whose progress is not sent yet, in the order of sending. */
  readonly #progress = new Map<string, () => NodeView | undefined>();
  #progressTimer: ReturnType<typeof setTimeout> | undefined;

  readonly #also: (event: ServerEvent) => void;

  /** `also`: called with every event, watchers or not. */
  constructor(
    { heartbeatMs, also = () => {} }: { heartbeatMs?: number; also?: (event: ServerEvent) => void } = {},
  ) {
    this.#also = also;
    this.#watchers = new Watchers({ heartbeatMs });
  }

  /** Ends the streams of those who are no longer allowed to watch. */
  recheck(): void {
    this.#watchers.recheck();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Sends the event to every watcher at once. */
  publish(event: ServerEvent): void {
    this.#also(event);
    if (this.#watchers.size === 0) return;
    const node = event.type === "node"
      ? event.node.name
      : event.type === "node-removed"
      ? event.name
      : undefined;
    if (node !== undefined) this.#progress.delete(node);
    this.#send(event);
  }

  /** The node is further in its running step: its view is sent with one of the next batches. */
  advance(name: string, view: () => NodeView | undefined): void {
    if (this.#watchers.size === 0) return;
    this.#progress.set(name, view);
    this.#progressTimer ??= setTimeout(() => this.#sendProgress(), PROGRESS.everyMs);
  }

  #sendProgress(): void {
    for (const [name, view] of this.#progress.entries().take(PROGRESS.batch).toArray()) {
      this.#progress.delete(name);
      const node = view();
      if (node) this.#send({ type: "node", node });
    }
    this.#progressTimer = this.#progress.size === 0
      ? undefined
      : setTimeout(() => this.#sendProgress(), PROGRESS.everyMs);
  }

  #send(event: ServerEvent): void {
    this.#watchers.send(lineOf(event));
  }

  /** Returns the stream of a new watcher, starting with `first`; undefined if there are too many watchers. */
  watch(
    first: Iterable<ServerEvent>,
    { isAllowed }: { isAllowed: () => boolean },
  ): Response | undefined {
    return this.#watchers.watch({ first: Array.from(first, lineOf).join(""), isAllowed });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#progressTimer);
    this.#watchers[Symbol.dispose]();
  }
}

function lineOf(event: ServerEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
