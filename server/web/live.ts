/** Sends live events to many watchers (text/event-stream, HTML Standard §9.2). A watcher that does not read is dropped. */
import type { ServerEvent } from "#contract/api.ts";

/** Bytes queued for one watcher before it is dropped. */
const MAX_QUEUED_BYTES = 4 << 20;
const MAX_WATCHERS = 256;
const HEARTBEAT_MS = 15_000;
/** Progress-only events are batched: at most 400 per second, however many nodes there are. */
const PROGRESS = { everyMs: 250, batch: 100 };

/** Renders an event as the content of its data field, without line ends; undefined to send nothing. */
export type Format = (event: ServerEvent) => string | undefined;

export interface Watching {
  readonly format: Format;
  /** Asked at every heartbeat, and by `recheck`: once it is false, the stream ends. */
  readonly isAllowed: () => boolean;
}

interface Watcher {
  readonly format: Format;
  isAllowed(): boolean;
  send(text: string): void;
  close(): void;
}

export class LiveEvents implements Disposable {
  readonly #watchers = new Set<Watcher>();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  /** Each node's latest progress that is not sent yet, in the order of sending. */
  readonly #progress = new Map<string, ServerEvent>();
  #progressTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ heartbeatMs = HEARTBEAT_MS }: { heartbeatMs?: number } = {}) {
    this.#heartbeat = setInterval(() => {
      this.recheck();
      for (const watcher of this.#watchers) watcher.send(": still here\n\n");
    }, heartbeatMs);
  }

  /** Ends the streams of those who are no longer allowed to watch. */
  recheck(): void {
    for (const watcher of this.#watchers) if (!watcher.isAllowed()) watcher.close();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Sends the event to every watcher at once; progress-only events wait for their batch, the latest of each node. */
  publish(event: ServerEvent): void {
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
    const lines = new Map<Format, string>();
    for (const watcher of this.#watchers) {
      const line = lines.get(watcher.format) ?? lineOf(event, watcher.format);
      lines.set(watcher.format, line);
      if (line) watcher.send(line);
    }
  }

  /** Returns the stream of a new watcher, starting with `first`; undefined if there are too many watchers. */
  watch(first: Iterable<ServerEvent>, { format, isAllowed }: Watching): Response | undefined {
    if (this.#watchers.size >= MAX_WATCHERS) return undefined;
    const encoder = new TextEncoder();
    let watcher: Watcher;
    /** Returns whether it was still watching. */
    const leave = () => this.#watchers.delete(watcher);
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const close = () => {
          if (leave()) controller.close();
        };
        watcher = {
          format,
          isAllowed,
          close,
          send: (text) => {
            controller.enqueue(encoder.encode(text));
            if ((controller.desiredSize ?? 0) <= 0) close();
          },
        };
        this.#watchers.add(watcher);
        const state = Array.from(first, (event) => lineOf(event, format)).join("");
        controller.enqueue(encoder.encode(`retry: 2000\n\n${state}`));
      },
      cancel: () => void leave(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_QUEUED_BYTES }));
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#progressTimer);
    for (const watcher of this.#watchers) watcher.close();
  }
}

export const asJson: Format = (event) => JSON.stringify(event);

/** Whether the event only reports progress within a node's running step. */
function isProgress(event: ServerEvent): boolean {
  if (event.type !== "node" || event.node.state !== "installing") return false;
  return event.node.report?.state === "running" && event.node.report.progress !== undefined;
}

function lineOf(event: ServerEvent, format: Format): string {
  const data = format(event);
  return data === undefined ? "" : `data: ${data}\n\n`;
}
