import type { PeerIdentity } from "../ports.ts";

/** How long a peer is suspended, doubled each time. */
const SUSPEND_MS = { first: 15_000, max: 120_000 };
/** Anyone can invent peer ids: beyond this, the oldest suspension is dropped. */
const MAX_SUSPENDED = 1_000;

/**
 * Bans peers that sent corrupt data, and suspends those that stalled or broke the protocol. A ban covers the peer
 * id and the address we reached it at. The second banned peer id of a host bans the whole host, so inventing new
 * ids does not help. The first does not, since several peers may share a host, such as four agents on loopback.
 */
export class BanList {
  readonly #idsByHost = new Map<string, Set<string>>();
  readonly #ids = new Set<string>();
  readonly #addresses = new Set<string>();
  readonly #suspended = new Map<string, { times: number; until: number }>();

  ban({ hostname, port, peerId }: PeerIdentity): void {
    this.#ids.add(peerId);
    this.#addresses.add(`${hostname} ${port}`);
    const ids = this.#idsByHost.get(hostname) ?? new Set();
    this.#idsByHost.set(hostname, ids.add(peerId));
  }

  isBanned({ hostname, port, peerId }: { hostname: string; port?: number; peerId?: string }): boolean {
    return (peerId !== undefined && this.#ids.has(peerId)) || this.#addresses.has(`${hostname} ${port}`) ||
      (this.#idsByHost.get(hostname)?.size ?? 0) > 1;
  }

  /** The peer stalled or broke the protocol. */
  suspend(peerId: string, now: number): void {
    const times = this.#suspended.get(peerId)?.times ?? 0;
    const until = now + Math.min(SUSPEND_MS.max, SUSPEND_MS.first * 2 ** times);
    this.#suspended.delete(peerId);
    this.#suspended.set(peerId, { times: times + 1, until });
    const [oldest] = this.#suspended.keys();
    if (this.#suspended.size > MAX_SUSPENDED && oldest !== undefined) this.#suspended.delete(oldest);
  }

  isSuspended(peerId: string, now: number): boolean {
    return now < (this.#suspended.get(peerId)?.until ?? -Infinity);
  }
}
