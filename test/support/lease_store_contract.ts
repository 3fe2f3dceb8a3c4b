import assert from "node:assert/strict";
import { parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import type { Lease, LeaseStore } from "../../boot/dhcp/lease_store.ts";

/** Tests that every LeaseStore must pass. `open` returns an empty store; `reopen` opens a persistent one again. */
export function testLeaseStore(
  name: string,
  { open, reopen = (store) => store }: { open: () => LeaseStore; reopen?: (store: LeaseStore) => LeaseStore },
): void {
  const lease: Lease = {
    address: parseIpv4("10.0.0.7"),
    mac: parseMac("52:54:00:00:00:01"),
    state: "bound",
    expiresAtMs: 1_700_000_000_000,
  };
  const other: Lease = { ...lease, address: parseIpv4("10.0.0.8"), state: "declined" };
  const byAddress = (store: LeaseStore) =>
    reopen(store).list().sort((a, b) => a.address < b.address ? -1 : a.address > b.address ? 1 : 0);

  Deno.test(`${name}: a new store is empty`, () => {
    assert.deepEqual(open().list(), []);
  });

  Deno.test(`${name}: a stored lease is listed unchanged`, () => {
    const store = open();
    store.put(other);
    store.put(lease);
    assert.deepEqual(byAddress(store), [lease, other]);
  });

  Deno.test(`${name}: a lease replaces the record of the same address, also of another client`, () => {
    const store = open();
    store.put(lease);
    const next: Lease = { ...lease, mac: parseMac("52:54:00:00:00:02"), expiresAtMs: 1_700_000_000_001 };
    store.put(next);
    assert.deepEqual(byAddress(store), [next]);
  });

  Deno.test(`${name}: deleting removes one lease, or none if there is none`, () => {
    const store = open();
    store.put(lease);
    store.put(other);
    store.delete(lease.address);
    store.delete(lease.address);
    assert.deepEqual(byAddress(store), [other]);
  });
}
