import type { PeerAddress } from "../ports.ts";

interface Entry {
  readonly address: PeerAddress;
  /** The peer that last answered there. */
  peerId: string | undefined;
  busy: boolean;
  failures: number;
  /** Not dialled before this time, clock ms. */
  notBefore: number;
}

const MAX_ENTRIES = 1_000;
const RETRY_MS = { first: 1_000, max: 60_000 };

/** The addresses that trackers returned, and when to dial each. Pure: the caller passes the time. */
export class AddressBook {
  readonly #entries = new Map<string, Entry>();

  add(addresses: readonly PeerAddress[]): void {
    for (const address of addresses) {
      if (this.#entries.size < MAX_ENTRIES) this.#entry(address);
    }
  }

  /** A peer reported that it listens here, so it is not dialled while it is connected. */
  identify(address: PeerAddress, peerId: string): void {
    if (this.#entries.size < MAX_ENTRIES) this.#entry(address).peerId = peerId;
  }

  /** Up to `count` addresses to dial now; they are busy until `settle`. */
  due(
    count: number,
    { now, isExcluded }: {
      now: number;
      /** Whether this peer is connected already, or not wanted now. */
      isExcluded: (peerId: string) => boolean;
    },
  ): PeerAddress[] {
    const found: PeerAddress[] = [];
    for (const entry of this.#entries.values()) {
      if (found.length >= count) break;
      if (entry.busy || entry.notBefore > now) continue;
      if (entry.peerId !== undefined && isExcluded(entry.peerId)) continue;
      entry.busy = true;
      found.push(entry.address);
    }
    return found;
  }

  /** The attempt, or the connection it led to, has ended. Each failure doubles the wait before the next attempt. */
  settle(address: PeerAddress, { now, failed }: { now: number; failed: boolean }): void {
    const entry = this.#entry(address);
    entry.busy = false;
    entry.failures = failed ? entry.failures + 1 : 0;
    entry.notBefore = now + Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** entry.failures);
  }

  #entry(address: PeerAddress): Entry {
    const key = `${address.hostname} ${address.port}`;
    const known = this.#entries.get(key);
    if (known) return known;
    const entry = { address, peerId: undefined, busy: false, failures: 0, notBefore: 0 };
    this.#entries.set(key, entry);
    return entry;
  }
}
