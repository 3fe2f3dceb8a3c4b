import type { Inventory } from "#contract/api.ts";
import { disk } from "../../server/plan/testing/templates.ts";

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

/** A machine that reported a disk in full, with what is on it. */
export function reportedMachine(
  sizeBytes: number,
  more: Partial<Inventory["disks"][number]> = {},
): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, labels: ___, ...facts } = disk({ sizeBytes });
  const reported = {
    ...facts,
    kind,
    names: [...names],
    byPath: names[0],
    uses: [...uses],
    model: "SAMSUNG MZ7LH960",
    serial: "S45NNA0M0",
    content: "gpt: ext4 'root', swap, xfs 'data'",
    partitions: [1, 2, 3].map((number) => ({
      name: `sda${number}`,
      number,
      start512: number * 2048,
      size512: number * 4_000_000,
    })),
    labels: ["data"],
    ...more,
  };
  return { ...MACHINE_INVENTORY, memoryBytes: 8e9, disks: [reported] };
}
