/**
 * This machine's hardware beyond disks and NICs, as far as it is read at once; ipmi.ts and neighbours.ts take seconds.
 * Whatever cannot be read is missing.
 */
import type { Inventory } from "#contract/api.ts";
import { textOf } from "../sys/small_file.ts";
import { readPciDevices } from "./pci_devices.ts";
import { parseCpuinfo } from "./processors.ts";
import { factsOfSmbios } from "./smbios_facts.ts";

type Hardware = Pick<Inventory, "processors" | "memory" | "board" | "management" | "devices">;

/** More than any firmware has. */
const MAX_SMBIOS_BYTES = 1 << 20;

export async function readHardware(
  { sys, proc }: { sys: string; proc: string },
): Promise<Hardware> {
  const processors = parseCpuinfo(await textOf(`${proc}/cpuinfo`) ?? "");
  const facts = factsOfSmbios(await smbiosTable(`${sys}/firmware/dmi/tables/DMI`));
  return {
    ...facts,
    ...(processors && { processors }),
    devices: await readPciDevices({ sys }),
  };
}

async function smbiosTable(path: string): Promise<Uint8Array> {
  try {
    return (await Deno.readFile(path)).subarray(0, MAX_SMBIOS_BYTES);
  } catch {
    return new Uint8Array();
  }
}
