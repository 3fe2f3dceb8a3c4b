import type { PeerIdentity } from "./peer.ts";

/**
 * Peers that sent corrupt data. A ban holds for the peer id and for the address where the peer was reached;
 * the second banned peer id of one host bans that host, so that inventing new ids does not help (the first
 * does not, as several peers may share a host: four agents on loopback, say).
 */
export class BanList {
  readonly #idsByHost = new Map<string, Set<string>>();
  readonly #ids = new Set<string>();
  readonly #addresses = new Set<string>();

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

  get size(): number {
    return this.#ids.size;
  }
}
