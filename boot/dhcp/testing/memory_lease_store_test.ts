import { testLeaseStore } from "../../../test/support/lease_store_contract.ts";
import { memoryLeaseStore } from "./memory_lease_store.ts";

testLeaseStore("leases in memory", { open: memoryLeaseStore });
