/** Sends live events to many watchers, and batches those of mere progress. */
import type { ServerEvent } from "#contract/api.ts";
import { Watchers } from "./watchers.ts";

/** Progress-only events are batched: at most 400 per second, however many nodes there are. */
const PROGRESS = { everyMs: 250, batch: 100 };

export class LiveEvents implements Disposable {
  readonly #watchers: Watchers;
  /** Each node's latest progress that is not sent yet, in the order of sending. */
  readonly #progress = new Map<string, ServerEvent>();
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

  /** Sends the event to every watcher at once; progress-only events wait for their batch, the latest of each node. */
  publish(event: ServerEvent): void {
    this.#also(event);
    if (this.#watchers.size === 0) return;
    const node = event.type === "node"
      ? event.node.name
      : event.type === "node-removed"
      ? event.name
      : undefined;
    if (node !== undefined && isProgress(event)) {
      this.#progress.set(node, event);
      this.#progressTimer ??= setTimeout(() => this.#sendProgress(), PROGRESS.everyMs);
      return;
    }
    if (node !== undefined) this.#progress.delete(node);
    this.#send(event);
  }

  #sendProgress(): void {
    for (const [node, event] of this.#progress.entries().take(PROGRESS.batch).toArray()) {
      this.#progress.delete(node);
      this.#send(event);
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

/** Whether the event only reports progress within a node's running step. */
function isProgress(event: ServerEvent): boolean {
  if (event.type !== "node" || event.node.state !== "installing") return false;
  return event.node.report?.state === "running" && event.node.report.progress !== undefined;
}

function lineOf(event: ServerEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
