import type { Ipv4, MacAddress } from "./address.ts";

/** What is remembered of an address. One record per address, and per client at most one that is not declined. */
export interface Lease {
  readonly address: Ipv4;
  /** The client that has the address, had it last, or declined it. */
  readonly mac: MacAddress;
  /** "declined": some other machine uses the address, so nobody is given it before `expiresAtMs`. */
  readonly state: "bound" | "declined";
  /** Milliseconds since 1970. A record outlives this, so that its client finds its address again. */
  readonly expiresAtMs: number;
}

/** Where leases survive a restart. Every change is kept when the call returns. */
export interface LeaseStore {
  /** Replaces what was kept of the address. */
  put(lease: Lease): void;
  /** Deleting what is not there is no error. */
  delete(address: Ipv4): void;
  /** All leases, in no particular order. */
  list(): Lease[];
}
