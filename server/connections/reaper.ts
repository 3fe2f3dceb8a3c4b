/** Ends connections to the HTTP services that are idle too long, over a limit, or do not read. */
import { getLogger } from "@logtape/logtape";
import { ConnectionBook, type EndReason } from "./book.ts";
import { raiseDescriptorLimit } from "./descriptor_limit.ts";
import { type ConnectionLimits, connectionLimits } from "./limits.ts";
import { libc } from "./libc.ts";
import { OwnSockets } from "./sockets.ts";

const log = getLogger(["rackseed", "connections"]);
/** Bounds on the pause between sweeps. In the shortest, a flood opens some hundred connections. */
const PAUSE_MS = { min: 100, max: 1000 };
/** Sweeps take at most this fraction of a processor, however many connections there are. */
const SHARE = 1 / 5;
/** Traffic is read less often, since that is half of the work of a sweep. */
const TRAFFIC_MS = 1000;
/** Interval between log lines about ended connections. */
const REPORT_MS = 60_000;

/** With fewer descriptors, the limits are too low for a large site. */
const FEW_DESCRIPTORS = 16_384;

/**
 * Raises the descriptor limit as far as possible, and starts a reaper with limits to match.
 *
 * @example
 * ```ts
 * import { guardConnections } from "./reaper.ts";
 * import { HttpService } from "./serve.ts";
 *
 * async function serve(until: Promise<void>) {
 *   using reaper = guardConnections();
 *   const handler = () => new Response("hello\n");
 *   await using _service = new HttpService({ hostname: "0.0.0.0", port: 8080 }, {
 *     name: "hello",
 *     handler,
 *     reaper,
 *   });
 *   await until;
 * }
 * ```
 */
export function guardConnections(): ConnectionReaper {
  const descriptors = raiseDescriptorLimit();
  const reaper = new ConnectionReaper({ descriptors });
  if (descriptors < FEW_DESCRIPTORS) {
    log.warn("few-descriptors", {
      descriptors,
      connections: reaper.limits.total,
      remedy: `raise the hard limit to ${FEW_DESCRIPTORS}: LimitNOFILE= of the systemd unit, or ulimit -Hn.`,
    });
  }
  return reaper;
}

interface Listener {
  readonly fd: number;
  readonly onLost: () => void;
}

/** After this many ended connections, and at most once in `everyMs`, their memory goes back to the system. */
const TRIM = { connections: 256, everyMs: 1000 };

export class ConnectionReaper implements Disposable {
  readonly limits: ConnectionLimits;
  readonly book: ConnectionBook;
  readonly #ports = new Set<number>();
  readonly #listeners = new Map<number, Listener>();
  readonly #sockets: OwnSockets;
  readonly #ended = new Map<EndReason, number>();
  #timer: ReturnType<typeof setTimeout>;
  #reportedMs = -Infinity;
  #trafficMs = -Infinity;
  #trimmed = { atMs: -Infinity, endedCount: 0 };

  constructor({ descriptors, limits }: { descriptors: number; limits?: Partial<ConnectionLimits> }) {
    this.limits = { ...connectionLimits(descriptors), ...limits };
    this.book = new ConnectionBook(this.limits);
    this.#sockets = new OwnSockets({ most: descriptors });
    this.#timer = setTimeout(this.#tick, PAUSE_MS.min);
  }

  /**
   * From now on watches the connections to this port and the socket that listens on it. Calls `onLost` when that socket
   * is gone: Deno closes it after a failed accept, and Deno 2.6 does not report that.
   */
  watch(port: number, { onLost }: { onLost: () => void }): void {
    this.#ports.add(port);
    const fd = this.#sockets.listener(port);
    if (fd !== undefined) this.#listeners.set(port, { fd, onLost });
  }

  /** Lengthens the accept queue of a port whose owner limits its own connections. */
  lengthenQueue(port: number): void {
    this.#sockets.listener(port);
  }

  /** The port is about to be closed on purpose. */
  forget(port: number): void {
    this.#listeners.delete(port);
  }

  /** Checks all connections now. */
  sweep(): void {
    const nowMs = performance.now();
    const sockets = this.#sockets.list(this.#ports);
    const isDue = nowMs - this.#trafficMs >= TRAFFIC_MS;
    if (isDue) this.#trafficMs = nowMs;
    const traffic = (fd: number) => isDue ? this.#sockets.traffic(fd) : undefined;
    for (const { fd, reason } of this.book.sweep(sockets, { traffic, nowMs })) {
      this.#sockets.end(fd, { drop: reason === "does not read" });
      this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
    }
    for (const [port, { fd, onLost }] of this.#listeners) {
      if (this.#sockets.listensOn(fd, port)) continue;
      this.#listeners.delete(port);
      onLost();
    }
    this.#trim(nowMs);
    this.#report(nowMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#sockets[Symbol.dispose]();
  }

  readonly #tick = () => {
    const beganMs = performance.now();
    this.sweep();
    const waitMs = (performance.now() - beganMs) / SHARE;
    this.#timer = setTimeout(this.#tick, Math.min(PAUSE_MS.max, Math.max(PAUSE_MS.min, waitMs)));
  };

  /** malloc keeps freed memory that lies between live allocations: without this, a flood leaves the server large. */
  #trim(nowMs: number): void {
    const { endedCount } = this.book;
    if (endedCount - this.#trimmed.endedCount < TRIM.connections) return;
    if (nowMs - this.#trimmed.atMs < TRIM.everyMs) return;
    this.#trimmed = { atMs: nowMs, endedCount };
    libc().malloc_trim(0n);
  }

  /** Logs how many connections were ended, except for idle ones, which is normal. */
  #report(nowMs: number): void {
    const notable = [...this.#ended].filter(([reason]) => reason !== "idle");
    if (notable.length === 0 || nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = nowMs;
    this.#ended.clear();
    log.warn("connections-ended", { connections: this.book.size, ...Object.fromEntries(notable) });
  }
}
