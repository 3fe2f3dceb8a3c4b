import { type Ipv4, ipv4OfNumber, type MacAddress, numberOfIpv4 } from "./address.ts";
import type { Lease, LeaseStore } from "./lease_store.ts";

export interface AddressRange {
  readonly first: Ipv4;
  /** Included. */
  readonly last: Ipv4;
}

interface LeasesOptions {
  readonly range: AddressRange;
  /** Addresses of the range that are other machines' (the server, its gateway, name servers). */
  readonly excluded: ReadonlySet<Ipv4>;
  /** Whether some machine has a reservation of the address, in the range or not. */
  readonly isReserved: (address: Ipv4) => boolean;
}

interface Offer {
  readonly address: Ipv4;
  readonly untilMs: number;
}

/** How long an address is kept for a client that was offered it. */
const HOLD_MS = 60_000;
/** How long a declined address rests. */
const QUARANTINE_MS = 600_000;
/** How much of the pool may rest at one time, and how many addresses of a small one. */
const MAX_DECLINED_SHARE = 0.25;
const MIN_DECLINED = 4;
/** Offers remembered at one time: more clients than any room switches on in a minute. */
const MAX_OFFERS = 4096;
/** How long a search that found every address leased or held is believed. */
const FULL_MS = 1_000;

/**
 * Which client has which address. A client is its MAC, not its client identifier (a deviation from RFC 2131
 * §4.2): firmware, boot program and operating system of one machine send three different identifiers, and clones
 * of one template send the same.
 */
export class Leases {
  readonly #store: LeaseStore;
  /** What the store holds, so that a search through a large pool costs nothing. */
  readonly #leases = new Map<Ipv4, Lease>();
  readonly #options: LeasesOptions;
  readonly #first: number;
  readonly #size: number;
  /** Offers by client, the oldest first, and who was offered an address last. Not kept over a restart. */
  readonly #offers = new Map<MacAddress, Offer>();
  readonly #holders = new Map<Ipv4, MacAddress>();
  /** The one that was declined first comes first. */
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

  /** Whether the address may be the client's now; `reserved` is the client's own reservation. */
  mayHave(mac: MacAddress, { address, reserved, nowMs }: {
    address: Ipv4;
    reserved: Ipv4 | undefined;
    nowMs: number;
  }): boolean {
    if (address !== reserved && (!this.#inPool(address) || this.#options.isReserved(address))) return false;
    return this.#isFree(address, { mac, nowMs });
  }

  /**
   * Chooses an address and holds it for a minute, in the order of RFC 2131 §4.3.1: the reservation, the one the
   * client has or had, the one it asks for, one that nobody had, the one that was let go longest ago. The search
   * for a new one starts at a place given by the MAC, so the choice is stable even where no record is left.
   * Once every address is leased or held, the oldest offer is made to this client too: whichever of the two asks
   * for it first gets it, so that offers which nobody takes up lock nobody out. Undefined where all are leased.
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

  /** Writes the lease; whatever else the client had becomes free. The caller has asked `mayHave`. */
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

  /** Ends the client's lease of the address; it stays the client's first choice. False where it had none. */
  release(mac: MacAddress, { address, nowMs }: { address: Ipv4; nowMs: number }): boolean {
    const lease = this.of(mac);
    if (lease?.address !== address || lease.expiresAtMs <= nowMs) return false;
    this.#put({ ...lease, expiresAtMs: nowMs });
    this.#fullUntilMs = 0;
    return true;
  }

  /** Quarantines an address that the client was given and found in use. False where it was not its to decline. */
  decline(mac: MacAddress, { address, nowMs }: { address: Ipv4; nowMs: number }): boolean {
    const own = this.of(mac)?.address === address || this.offered(mac, nowMs) === address;
    if (!own) return false;
    this.dropOffer(mac);
    this.#put({ address, mac, state: "declined", expiresAtMs: nowMs + QUARANTINE_MS });
    this.#endOldestQuarantine(nowMs);
    return true;
  }

  /** The address that the client was offered a moment ago. */
  offered(mac: MacAddress, nowMs: number): Ipv4 | undefined {
    const offer = this.#offers.get(mac);
    return offer !== undefined && offer.untilMs > nowMs ? offer.address : undefined;
  }

  /** Forgets an offer, taken or not. */
  dropOffer(mac: MacAddress): void {
    const offer = this.#offers.get(mac);
    if (offer === undefined) return;
    this.#offers.delete(mac);
    if (this.#holders.get(offer.address) === mac) this.#holders.delete(offer.address);
  }

  /** Only so much of the pool rests at one time, or a machine that declines whatever it gets would empty it. */
  #endOldestQuarantine(nowMs: number): void {
    if (this.#declined.size <= Math.max(MIN_DECLINED, this.#size * MAX_DECLINED_SHARE)) return;
    const [oldest] = this.#declined;
    const lease = oldest === undefined ? undefined : this.#leases.get(oldest);
    if (!lease) return;
    this.#put({ ...lease, expiresAtMs: nowMs });
    this.#declined.delete(lease.address);
    this.#fullUntilMs = 0;
  }

  /** Keeps the lease in place of the address's last one, whose client has no address any more. */
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

  /** The pool's address that was offered longest ago, unless its client has taken it. */
  #oldestOffer(nowMs: number): Ipv4 | undefined {
    for (const { address } of this.#offers.values()) {
      const isOurs = this.#inPool(address) && !this.#options.isReserved(address);
      if (isOurs && this.#isUnleased(address, { nowMs })) return address;
    }
    return undefined;
  }
}

/** FNV-1a over the MAC's text: spreads machines of one maker, whose MACs are consecutive, over the pool. */
function startOf(mac: MacAddress): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < mac.length; i++) hash = Math.imul(hash ^ mac.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
