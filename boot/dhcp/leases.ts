import { type Ipv4, ipv4OfNumber, type MacAddress, numberOfIpv4 } from "./address.ts";
import type { Lease, LeaseStore } from "./lease_store.ts";

export interface AddressRange {
  readonly first: Ipv4;
  /** Included. */
  readonly last: Ipv4;
}

interface LeasesOptions {
  readonly range: AddressRange;
  /** Addresses in the range that belong to other machines: the server, its gateway, name servers. */
  readonly excluded: ReadonlySet<Ipv4>;
  /** Whether the address is reserved for some machine, inside the range or not. */
  readonly isReserved: (address: Ipv4) => boolean;
}

interface Offer {
  readonly address: Ipv4;
  readonly untilMs: number;
}

/** How long an offered address is held for its client. */
const HOLD_MS = 60_000;
/** How long a declined address stays in quarantine. */
const QUARANTINE_MS = 600_000;
/** The largest share of the pool that may be in quarantine, and the number of addresses that always may. */
const MAX_DECLINED_SHARE = 0.25;
const MIN_DECLINED = 4;
/** Offers remembered at a time: more clients than any site switches on within a minute. */
const MAX_OFFERS = 4096;
/** How long to trust a search that found every address leased or held. */
const FULL_MS = 1_000;

/**
 * Which client has which address. A client is identified by its MAC, not its client identifier (a deviation from
 * RFC 2131 §4.2): the firmware, boot program and operating system of one machine send three different identifiers,
 * while clones of one template all send the same.
 */
export class Leases {
  readonly #store: LeaseStore;
  /** The store's content in memory, so that searching a large pool is cheap. */
  readonly #leases = new Map<Ipv4, Lease>();
  readonly #options: LeasesOptions;
  readonly #first: number;
  readonly #size: number;
  /** Offers by client, oldest first. Offers do not survive a restart. */
  readonly #offers = new Map<MacAddress, Offer>();
  /** The client that was offered an address last. */
  readonly #holders = new Map<Ipv4, MacAddress>();
  /** In the order in which they were declined. */
  readonly #declined = new Set<Ipv4>();
  #fullUntilMs = 0;
  readonly #addressOf = new Map<MacAddress, Ipv4>();

  constructor(store: LeaseStore, options: LeasesOptions) {
    this.#store = store;
    this.#options = options;
    this.#first = numberOfIpv4(options.range.first);
    this.#size = numberOfIpv4(options.range.last) - this.#first + 1;
    for (const lease of store.list()) {
      this.#leases.set(lease.address, lease);
      if (lease.state === "bound") this.#addressOf.set(lease.mac, lease.address);
      else this.#declined.add(lease.address);
    }
  }

  /** The client's lease, current or past. */
  of(mac: MacAddress): Lease | undefined {
    const address = this.#addressOf.get(mac);
    return address === undefined ? undefined : this.#leases.get(address);
  }

  /** Whether the client may have the address now; `reserved` is the client's own reservation. */
  mayHave(mac: MacAddress, { address, reserved, nowMs }: {
    address: Ipv4;
    reserved: Ipv4 | undefined;
    nowMs: number;
  }): boolean {
    if (address !== reserved && (!this.#inPool(address) || this.#options.isReserved(address))) return false;
    return this.#isFree(address, { mac, nowMs });
  }

  /**
   * Chooses an address and holds it for a minute. Order of preference, by RFC 2131 §4.3.1: the client's reservation,
   * its present or past address, the one it requests, one that was never leased, the one that expired longest ago.
   * The MAC decides where the search starts, so the choice is stable even if no record is left.
   *
   * Once every address is leased or held, the oldest offer is made to this client as well, and the first of the two
   * to request it gets it: offers that are never taken up lock nobody out. Undefined if every address is leased.
   */
  offer(mac: MacAddress, { requested, reserved, nowMs }: {
    requested: Ipv4 | undefined;
    reserved: Ipv4 | undefined;
    nowMs: number;
  }): Ipv4 | undefined {
    const may = (address: Ipv4 | undefined): address is Ipv4 =>
      address !== undefined && this.mayHave(mac, { address, reserved, nowMs });
    const address = [reserved, this.offered(mac, nowMs), this.of(mac)?.address, requested].find(may) ??
      this.#fromPool(mac, { may, nowMs }) ?? this.#oldestOffer(nowMs);
    if (address === undefined) return undefined;
    this.dropOffer(mac);
    for (const [oldest] of this.#offers) {
      if (this.#offers.size < MAX_OFFERS) break;
      this.dropOffer(oldest);
    }
    this.#offers.set(mac, { address, untilMs: nowMs + HOLD_MS });
    this.#holders.set(address, mac);
    return address;
  }

  /** Records the lease and frees any other address of the client. The caller has checked `mayHave`. */
  bind(mac: MacAddress, { address, expiresAtMs }: { address: Ipv4; expiresAtMs: number }): void {
    const before = this.of(mac);
    if (before && before.address !== address) {
      this.#leases.delete(before.address);
      this.#store.delete(before.address);
      this.#fullUntilMs = 0;
    }
    this.dropOffer(mac);
    this.#put({ address, mac, state: "bound", expiresAtMs });
  }

  /** Ends the client's lease; the address remains its first choice. False if the client did not hold it. */
  release(mac: MacAddress, { address, nowMs }: { address: Ipv4; nowMs: number }): boolean {
    const lease = this.of(mac);
    if (lease?.address !== address || lease.expiresAtMs <= nowMs) return false;
    this.#put({ ...lease, expiresAtMs: nowMs });
    this.#fullUntilMs = 0;
    return true;
  }

  /** Quarantines an address that the client found in use. False if the address was not the client's. */
  decline(mac: MacAddress, { address, nowMs }: { address: Ipv4; nowMs: number }): boolean {
    const own = this.of(mac)?.address === address || this.offered(mac, nowMs) === address;
    if (!own) return false;
    this.dropOffer(mac);
    this.#put({ address, mac, state: "declined", expiresAtMs: nowMs + QUARANTINE_MS });
    this.#endOldestQuarantine(nowMs);
    return true;
  }

  /** The address that is on offer to the client. */
  offered(mac: MacAddress, nowMs: number): Ipv4 | undefined {
    const offer = this.#offers.get(mac);
    return offer !== undefined && offer.untilMs > nowMs ? offer.address : undefined;
  }

  /** Drops the client's offer, if any. */
  dropOffer(mac: MacAddress): void {
    const offer = this.#offers.get(mac);
    if (offer === undefined) return;
    this.#offers.delete(mac);
    if (this.#holders.get(offer.address) === mac) this.#holders.delete(offer.address);
  }

  /** Bounds the quarantine: otherwise a machine that declines every offer would empty the pool. */
  #endOldestQuarantine(nowMs: number): void {
    if (this.#declined.size <= Math.max(MIN_DECLINED, this.#size * MAX_DECLINED_SHARE)) return;
    const [oldest] = this.#declined;
    const lease = oldest === undefined ? undefined : this.#leases.get(oldest);
    if (!lease) return;
    this.#put({ ...lease, expiresAtMs: nowMs });
    this.#declined.delete(lease.address);
    this.#fullUntilMs = 0;
  }

  /** Replaces the address's record; its previous client no longer has an address. */
  #put(lease: Lease): void {
    const before = this.#leases.get(lease.address);
    if (before && this.#addressOf.get(before.mac) === lease.address) this.#addressOf.delete(before.mac);
    if (lease.state === "bound") this.#addressOf.set(lease.mac, lease.address);
    this.#declined.delete(lease.address);
    if (lease.state === "declined") this.#declined.add(lease.address);
    this.#leases.set(lease.address, lease);
    this.#store.put(lease);
  }

  #inPool(address: Ipv4): boolean {
    const at = numberOfIpv4(address) - this.#first;
    return at >= 0 && at < this.#size && !this.#options.excluded.has(address);
  }

  #isFree(address: Ipv4, { mac, nowMs }: { mac: MacAddress; nowMs: number }): boolean {
    const holder = this.#holders.get(address);
    const isHeld = holder !== undefined && holder !== mac && this.offered(holder, nowMs) === address;
    if (isHeld && this.offered(mac, nowMs) !== address) return false;
    return this.#isUnleased(address, { mac, nowMs });
  }

  #isUnleased(address: Ipv4, { mac, nowMs }: { mac?: MacAddress; nowMs: number }): boolean {
    const lease = this.#leases.get(address);
    if (!lease || lease.expiresAtMs <= nowMs) return true;
    return lease.state === "bound" && lease.mac === mac;
  }

  #fromPool(mac: MacAddress, { may, nowMs }: {
    may: (address: Ipv4) => boolean;
    nowMs: number;
  }): Ipv4 | undefined {
    if (nowMs < this.#fullUntilMs) return undefined;
    const start = startOf(mac) % this.#size;
    let oldest: Lease | undefined;
    let fullUntilMs = nowMs + FULL_MS;
    for (let i = 0; i < this.#size; i++) {
      const address = ipv4OfNumber(this.#first + (start + i) % this.#size);
      const lease = this.#leases.get(address);
      if (lease && lease.expiresAtMs > nowMs) fullUntilMs = Math.min(fullUntilMs, lease.expiresAtMs);
      if (!may(address)) continue;
      if (!lease) return address;
      if (!oldest || lease.expiresAtMs < oldest.expiresAtMs) oldest = lease;
    }
    if (!oldest) this.#fullUntilMs = fullUntilMs;
    return oldest?.address;
  }

  /** The pool address that was offered longest ago and is not leased. */
  #oldestOffer(nowMs: number): Ipv4 | undefined {
    for (const { address } of this.#offers.values()) {
      const isPooled = this.#inPool(address) && !this.#options.isReserved(address);
      if (isPooled && this.#isUnleased(address, { nowMs })) return address;
    }
    return undefined;
  }
}

/** FNV-1a over the MAC's text: spreads consecutive MACs of one manufacturer over the pool. */
function startOf(mac: MacAddress): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < mac.length; i++) hash = Math.imul(hash ^ mac.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
