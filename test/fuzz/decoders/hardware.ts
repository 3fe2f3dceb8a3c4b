/** Decoders of what firmware, disks, switches and management controllers say of a machine. */
import fc from "fast-check";
import { parseSmartData, SMART_BYTES, thresholdExceeded } from "../../../agent/hardware/ata_health.ts";
import { describeController } from "../../../agent/hardware/ipmi.ts";
import { parseLldp } from "../../../agent/hardware/lldp.ts";
import { NVME_LOG_BYTES, parseNvmeLog } from "../../../agent/hardware/nvme_health.ts";
import { parseCpuinfo } from "../../../agent/hardware/processors.ts";
import { parseExceptionsPage } from "../../../agent/hardware/scsi_health.ts";
import { factsOfSmbios } from "../../../agent/hardware/smbios_facts.ts";
import {
  ataSense,
  lldpFrame,
  nvmeLog,
  SERVER_TABLE,
  smartData,
} from "../../../agent/hardware/testing/samples.ts";
import { Inventory } from "#contract/api.ts";
import { decoder } from "./decoder.ts";

/** Whatever was read, the server takes it. */
function proveInventory(part: Partial<Inventory>): void {
  Inventory.parse({
    kind: "machine",
    firmware: "uefi",
    memoryBytes: 1,
    cpus: 1,
    nics: [],
    disks: [],
    ...part,
  });
}

const disk = { name: "sda", sizeBytes: 1, sectorBytes: 512, removable: false, content: "" };
const ofLength = (bytes: Uint8Array, length: number) => {
  const exact = new Uint8Array(length);
  exact.set(bytes.subarray(0, length));
  return exact;
};

export const decoders = [
  decoder({
    name: "SMBIOS table",
    inputs: fc.constant(SERVER_TABLE),
    decode: (bytes) => proveInventory(factsOfSmbios(bytes)),
  }),
  decoder({
    name: "LLDP frame",
    inputs: fc.constantFrom(lldpFrame(), lldpFrame({ port: [3, 2, 0, 0, 0, 0, 1] })),
    decode: (bytes) => {
      const neighbour = parseLldp(bytes);
      if (neighbour) proveInventory({ nics: [{ name: "eth0", mac: "52:54:00:00:00:01", neighbour }] });
    },
    weight: 2,
  }),
  decoder({
    name: "NVMe SMART log",
    inputs: fc.constant(nvmeLog({ critical: 4, mediaErrors: 1 })),
    decode: (bytes) =>
      proveInventory({ disks: [{ ...disk, health: parseNvmeLog(ofLength(bytes, NVME_LOG_BYTES)) }] }),
  }),
  decoder({
    name: "ATA SMART data",
    inputs: fc.constant(smartData([[5, 0x33, 9, 2000], [9, 0x32, 97, 12_345], [194, 0x22, 67, 33]])),
    decode: (bytes) => {
      const data = ofLength(bytes, SMART_BYTES);
      proveInventory({
        disks: [{ ...disk, health: parseSmartData(data, { thresholds: data, isExceeded: true }) }],
      });
    },
  }),
  decoder({
    name: "ATA sense data",
    inputs: fc.constant(ataSense(0xf4, 0x2c)),
    decode: (sense) => thresholdExceeded({ sense }),
  }),
  decoder({
    name: "SCSI exceptions page",
    inputs: fc.constant(Uint8Array.of(0x2f, 0, 0, 8, 0, 0, 3, 4, 0x5d, 0x10, 41, 0)),
    decode: (bytes) => {
      const health = parseExceptionsPage(bytes);
      if (health) proveInventory({ disks: [{ ...disk, health }] });
    },
  }),
  decoder({
    name: "IPMI answers",
    inputs: fc.constant(Uint8Array.of(0, 0x20, 4, 7, 0x10, 2, 0xdf)),
    decode: async (bytes) => {
      const management = await describeController(() => Promise.resolve(bytes));
      if (management) proveInventory({ management });
    },
  }),
  decoder({
    name: "cpuinfo",
    inputs: fc.constant("processor\t: 0\nmodel name\t: AMD EPYC\nphysical id\t: 0\ncore id\t: 0\n\n"),
    decode: (text) => proveInventory({ processors: parseCpuinfo(text) }),
  }),
];
