import type { DatabaseSync } from "node:sqlite";
import type { Lease, LeaseStore } from "../../boot/dhcp/lease_store.ts";
import { testLeaseStore } from "../../test/support/lease_store_contract.ts";
import { openDatabase } from "./database.ts";
import { SqliteLeaseStore } from "./leases.ts";

const opened = new Map<LeaseStore, { db: DatabaseSync; path: string }>();

testLeaseStore("SqliteLeaseStore", {
  open: () => openStore(`${Deno.makeTempDirSync({ prefix: "rackseed-leases-" })}/rackseed.db`),
  reopen: (store) => {
    const { db, path } = opened.get(store) ?? {};
    db?.close();
    return openStore(path as string);
  },
});

function openStore(path: string): LeaseStore {
  const db = openDatabase(path);
  const store = new SqliteLeaseStore<Lease>(db);
  opened.set(store, { db, path });
  return store;
}
