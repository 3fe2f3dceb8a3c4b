/** Ends connections to the HTTP services that are idle too long, too many, or do not read. */
import { getLogger } from "@logtape/logtape";
import { ConnectionBook, type EndReason } from "./book.ts";
import { raiseDescriptorLimit } from "./descriptor_limit.ts";
import { type ConnectionLimits, connectionLimits } from "./limits.ts";
import { libc } from "./libc.ts";
import { OwnSockets } from "./sockets.ts";

const log = getLogger(["rackseed", "connections"]);
/** Between two looks: a flood opens some hundred connections in this time. */
const LEAST_MS = 100;
const MOST_MS = 1000;
/** Looking takes this part of a processor at most, however many connections there are. */
const SHARE = 1 / 5;
/** What has gone over each connection is asked less often: it is half of the work. */
const TRAFFIC_MS = 1000;
/** Between two lines of log on ended connections. */
const REPORT_MS = 60_000;

/** Below this the limits come short of a large site. */
const FEW_DESCRIPTORS = 16_384;

/** Takes as many descriptors as the process may have, and watches the connections that they allow. */
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

/** What ended connections had in memory goes back to the system after so many of them, once in `everyMs`. */
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
  #trimmed = { atMs: -Infinity, forgotten: 0 };

  constructor({ descriptors, limits }: { descriptors: number; limits?: Partial<ConnectionLimits> }) {
    this.limits = { ...connectionLimits(descriptors), ...limits };
    this.book = new ConnectionBook(this.limits);
    this.#sockets = new OwnSockets({ most: descriptors });
    this.#timer = setTimeout(this.#tick, LEAST_MS);
  }

  /**
   * Watches the connections to this port from now on, and the socket that listens on it. `onLost` is called when that
   * is gone: Deno closes it after a failed accept, and Deno 2.6 tells nobody.
   */
  watch(port: number, { onLost }: { onLost: () => void }): void {
    this.#ports.add(port);
    const fd = this.#sockets.listener(port);
    if (fd !== undefined) this.#listeners.set(port, { fd, onLost });
  }

  /** Lets more connections wait on a port whose owner bounds them itself. */
  lengthenQueue(port: number): void {
    this.#sockets.listener(port);
  }

  /** The port is closed on purpose. */
  forget(port: number): void {
    this.#listeners.delete(port);
  }

  /** Looks at all connections now. */
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
    this.#timer = setTimeout(this.#tick, Math.min(MOST_MS, Math.max(LEAST_MS, waitMs)));
  };

  /** malloc keeps freed memory between what is still in use, and a flood would leave the server large for ever. */
  #trim(nowMs: number): void {
    const { forgotten } = this.book;
    if (forgotten - this.#trimmed.forgotten < TRIM.connections) return;
    if (nowMs - this.#trimmed.atMs < TRIM.everyMs) return;
    this.#trimmed = { atMs: nowMs, forgotten };
    libc().malloc_trim(0n);
  }

  /** Keep-alive connections that end as they should are no news. */
  #report(nowMs: number): void {
    const news = [...this.#ended].filter(([reason]) => reason !== "idle");
    if (news.length === 0 || nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = nowMs;
    this.#ended.clear();
    log.warn("connections-ended", { connections: this.book.size, ...Object.fromEntries(news) });
  }
}
