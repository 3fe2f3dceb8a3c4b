import type { Inventory } from "#contract/api.ts";

/** The least that an agent may report when it enrols, here for an installation into a directory. */
export const DIRECTORY_INVENTORY: Inventory = {
  kind: "directory",
  firmware: "bios",
  memoryBytes: 1,
  cpus: 1,
  nics: [],
  disks: [],
};

/** The same for a machine that has booted from the network; too little for the server to plan with. */
export const MACHINE_INVENTORY: Inventory = {
  ...DIRECTORY_INVENTORY,
  kind: "machine",
  disks: [{ name: "vda", sizeBytes: 10e9, sectorBytes: 512, removable: false, content: "" }],
};
