/** Streams of events to many watchers (text/event-stream, HTML Standard §9.2). A watcher that does not read is dropped. */

/** Bytes queued for one watcher before it is dropped. */
const MAX_QUEUED_BYTES = 4 << 20;
const MAX_WATCHERS = 256;
const HEARTBEAT_MS = 15_000;
const ENCODER = new TextEncoder();

interface Watcher {
  isAllowed(): boolean;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export class Watchers implements Disposable {
  readonly #watchers = new Set<Watcher>();
  readonly #heartbeat: ReturnType<typeof setInterval>;

  constructor({ heartbeatMs = HEARTBEAT_MS }: { heartbeatMs?: number | undefined } = {}) {
    this.#heartbeat = setInterval(() => {
      this.recheck();
      this.send(": still here\n\n");
    }, heartbeatMs);
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Ends the streams of those who are no longer allowed to watch. */
  recheck(): void {
    for (const watcher of this.#watchers) if (!watcher.isAllowed()) watcher.close();
  }

  send(text: string): void {
    if (this.#watchers.size === 0) return;
    const bytes = ENCODER.encode(text);
    for (const watcher of this.#watchers) watcher.send(bytes);
  }

  /**
   * Returns the stream of a new watcher, starting with `first`; undefined if there are too many watchers. `isAllowed` is
   * asked at every heartbeat, and by `recheck`: once it is false, the stream ends.
   */
  watch({ first, isAllowed }: { first: string; isAllowed: () => boolean }): Response | undefined {
    if (this.#watchers.size >= MAX_WATCHERS) return undefined;
    let watcher: Watcher;
    /** Returns whether it was still watching. */
    const leave = () => this.#watchers.delete(watcher);
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const close = () => {
          if (leave()) controller.close();
        };
        watcher = {
          isAllowed,
          close,
          send: (bytes) => {
            controller.enqueue(bytes);
            if ((controller.desiredSize ?? 0) <= 0) close();
          },
        };
        this.#watchers.add(watcher);
        controller.enqueue(ENCODER.encode(`retry: 2000\n\n${first}`));
      },
      cancel: () => void leave(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_QUEUED_BYTES }));
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    for (const watcher of this.#watchers) watcher.close();
  }
}
