import type { Ipv4 } from "../address.ts";
import type { Lease, LeaseStore } from "../lease_store.ts";

export function memoryLeaseStore(): LeaseStore {
  const leases = new Map<Ipv4, Lease>();
  return {
    put: (lease) => void leases.set(lease.address, lease),
    delete: (address) => void leases.delete(address),
    list: () => [...leases.values()],
  };
}
