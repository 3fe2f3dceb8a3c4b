import type { Inventory } from "#contract/api.ts";

/** The least that an agent can report when it enrols: of an installation into a directory. */
export const DIRECTORY_INVENTORY: Inventory = {
  kind: "directory",
  firmware: "bios",
  memoryBytes: 1,
  cpus: 1,
  nics: [],
  disks: [],
};

/** The same of a machine that booted from the network. */
export const MACHINE_INVENTORY: Inventory = { ...DIRECTORY_INVENTORY, kind: "machine" };
