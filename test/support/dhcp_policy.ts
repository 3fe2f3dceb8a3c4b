/** A DHCP policy in memory: one network, no reservations, every client answered. */
import { parseIpv4 } from "../../boot/dhcp/address.ts";
import { Leases } from "../../boot/dhcp/leases.ts";
import type { DhcpPolicy } from "../../boot/dhcp/policy.ts";
import { memoryLeaseStore } from "../../boot/dhcp/testing/memory_lease_store.ts";

const NETWORK = {
  address: parseIpv4("10.0.0.1"),
  netmask: parseIpv4("255.255.255.0"),
  range: { first: parseIpv4("10.0.0.100"), last: parseIpv4("10.0.0.199") },
  leaseSeconds: 600,
};

export function dhcpPolicy(changes: Partial<DhcpPolicy> = {}): DhcpPolicy {
  return {
    network: NETWORK,
    reservations: { addressOf: () => undefined, isReserved: () => false },
    answers: () => true,
    knows: () => true,
    bootOptions: () => undefined,
    ...changes,
  };
}

/** The leases of a policy's network, none of them taken yet. */
export function newLeases({ network, reservations }: DhcpPolicy): Leases {
  return new Leases(memoryLeaseStore(), {
    range: network.range,
    excluded: new Set(),
    isReserved: (address) => reservations.isReserved(address),
  });
}
