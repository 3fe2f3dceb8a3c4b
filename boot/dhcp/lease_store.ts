import type { Ipv4, MacAddress } from "./address.ts";

/** A lease record. There is one per address, and per client at most one that is not declined. */
export interface Lease {
  readonly address: Ipv4;
  /** The client that holds the address, held it last, or declined it. */
  readonly mac: MacAddress;
  /** "declined": another machine uses the address, so no client gets it before `expiresAtMs`. */
  readonly state: "bound" | "declined";
  /** Milliseconds since 1970. The record is kept longer, so that a client gets its old address back. */
  readonly expiresAtMs: number;
}

/** Keeps leases across restarts. A change is durable when the call returns. */
export interface LeaseStore {
  /** Replaces the record of the address. */
  put(lease: Lease): void;
  /** Does nothing if the address has no record. */
  delete(address: Ipv4): void;
  /** All leases, in no particular order. */
  list(): Lease[];
}
