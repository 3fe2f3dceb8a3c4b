/** A node's hardware as text. */
import type { Inventory } from "#contract/api.ts";
import type { Dimm, PciDevice } from "#contract/api/hardware.ts";
import { formatBytes } from "./figures.ts";
import { architectureText } from "./machine_text.ts";

type Controller = NonNullable<Inventory["controllers"]>[number];

/** PCI Code and ID Assignment Specification: base class and subclass. */
const KINDS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/bc01sc08/, "NVMe"],
  [/bc01sc06/, "SATA"],
  [/bc01sc04/, "RAID"],
  [/bc01/, "storage"],
  [/bc02sc07/, "InfiniBand"],
  [/bc02/, "network"],
  [/bc08sc05/, "SD card"],
  [/bc0Csc03/i, "USB"],
  [/bc0Csc04/i, "Fibre Channel"],
  [/bc0Csc06/i, "InfiniBand"],
];

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const modalias = "pci:v00001000d000010E2sv00001028sd000040B1bc01sc04i00";
 * assert.equal(describeController({ modalias, driver: "megaraid_sas" }), "PCI 1000:10e2 RAID, megaraid_sas");
 * assert.equal(describeController({ modalias }), "PCI 1000:10e2 RAID, no driver");
 * assert.equal(describeController({ modalias: "virtio:d00000002v00001AF4", driver: "virtio_blk" }),
 *   "virtio:d00000002v00001AF4, virtio_blk");
 * ```
 */
export function describeController({ modalias, driver }: Controller): string {
  const [, vendor, device] = /^pci:v0000(\w{4})d0000(\w{4})/.exec(modalias) ?? [];
  const kind = KINDS.find(([pattern]) => pattern.test(modalias))?.[1];
  const name = vendor === undefined
    ? modalias
    : ["PCI", `${vendor}:${device}`.toLowerCase(), kind].filter(Boolean).join(" ");
  return `${name}, ${driver ?? "no driver"}`;
}

/** "sda, also seen as sdb" */
function nameOfDisk({ name, paths = [] }: Inventory["disks"][number]): string {
  const others = paths.filter((path) => path !== name);
  return others.length === 0 ? name : `${name}, also seen as ${others.join(" and ")}`;
}

/** "leaf7 Ethernet1/12"; undefined if the switch did not announce itself. */
export function switchPortOf(
  { neighbour }: Pick<Inventory["nics"][number], "neighbour">,
): string | undefined {
  return neighbour && `${neighbour.system ?? neighbour.chassis} ${neighbour.port}`;
}

/** What every inventory names in one line: model, firmware, processors, memory. */
export function describeMachine(inventory: Inventory): string {
  const { model, kind, architecture, firmware, cpus, memoryBytes } = inventory;
  const boots = [architectureText(architecture), firmware.toUpperCase()].filter(Boolean).join(", ");
  return `${model ?? kind}, ${boots}, ${cpus} CPUs, ${formatBytes(memoryBytes)}`;
}

/** "2 × AMD EPYC 9454P, 96 cores" */
export function describeProcessors({ processors }: Inventory): string | undefined {
  return processors && `${processors.sockets} × ${processors.model}, ${processors.cores} cores`;
}

/** "4 modules in 8 slots" */
export function describeMemory({ memory }: Inventory): string | undefined {
  return memory && `${memory.dimms.length} modules in ${memory.slots} slots`;
}

/** "DIMM A1: 34.4 GB DDR5, 4800 MT/s, Samsung M321R4GA3BB6, serial 1234" */
export function describeDimm({ slot, sizeBytes, type, speedMts, maker, part, serial }: Dimm): string {
  const facts = [
    [formatBytes(sizeBytes), type].filter(Boolean).join(" "),
    speedMts && `${speedMts} MT/s`,
    [maker, part].filter(Boolean).join(" "),
    serial && `serial ${serial}`,
  ];
  return `${slot}: ${facts.filter(Boolean).join(", ")}`;
}

/** "sda: 480 GB Samsung PM893 gpt: ext4 'root'; serial S1, good, 31 °C, 2 % worn, 8760 hours" */
export function describeDisk(disk: Inventory["disks"][number]): string {
  const { sizeBytes, model, serial, content, health } = disk;
  const facts = [
    serial && `serial ${serial}`,
    health && [health.verdict, health.reasons.join(", ")].filter(Boolean).join(": "),
    health?.temperatureCelsius !== undefined && `${health.temperatureCelsius} °C`,
    health?.wearPercent !== undefined && `${health.wearPercent} % worn`,
    health?.powerOnHours !== undefined && `${health.powerOnHours} hours`,
  ].filter(Boolean).join(", ");
  const what = [formatBytes(sizeBytes), model, content].filter(Boolean).join(" ");
  return [`${nameOfDisk(disk)}: ${what}`, facts].filter(Boolean).join("; ");
}

/** "eth0 52:54:00:12:34:56: 25000 Mbit/s, leaf7 Ethernet1/12" */
export function describeNic(nic: Inventory["nics"][number]): string {
  const { name, mac, driver, link, speedMbps, neighbour } = nic;
  const facts = [
    link === false ? "no link" : link && speedMbps ? `${speedMbps} Mbit/s` : link && "link",
    switchPortOf({ neighbour }),
    neighbour?.vlan && `VLAN ${neighbour.vlan}`,
    driver,
  ];
  return `${name} ${mac}: ${facts.filter(Boolean).join(", ") || "-"}`;
}

/** PCI Code and ID Assignment Specification, and who makes the devices that people ask for. */
const DEVICE_KINDS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/^03/, "display"],
  [/^12/, "accelerator"],
  [/^0b40/, "co-processor"],
  [/^01/, "storage"],
  [/^02/, "network"],
  [/^0c03/, "USB"],
];
const DEVICE_MAKERS: Readonly<Record<string, string>> = {
  "10de": "NVIDIA",
  "1002": "AMD",
  "8086": "Intel",
  "1a03": "ASPEED",
  "102b": "Matrox",
  "15b3": "Mellanox",
  "14e4": "Broadcom",
  "1000": "Broadcom LSI",
  "144d": "Samsung",
  "1af4": "virtio",
  "1b36": "QEMU",
};

/** "0000:17:00.0 NVIDIA 10de:2330, display, nvidia" */
export function describeDevice({ slot, id, class: kind, driver }: PciDevice): string {
  const maker = DEVICE_MAKERS[id.slice(0, 4)];
  const facts = [
    [maker, id].filter(Boolean).join(" "),
    DEVICE_KINDS.find(([p]) => p.test(kind))?.[1],
    driver,
  ];
  return `${slot} ${facts.filter(Boolean).join(", ")}`;
}

/** "Dell Inc. 2.19.1, 03/14/2025" */
export function describeFirmwareVersion({ board }: Inventory): string | undefined {
  const { firmwareVendor, firmwareVersion, firmwareDate } = board ?? {};
  return [[firmwareVendor, firmwareVersion].filter(Boolean).join(" "), firmwareDate].filter(Boolean).join(
    ", ",
  ) ||
    undefined;
}

/** "Dell Inc. 0TWX38, version A07, serial CN70" */
export function describeBoard({ board }: Inventory): string | undefined {
  const { maker, name, version, serial, assetTag } = board ?? {};
  const facts = [
    [maker, name].filter(Boolean).join(" "),
    version && `version ${version}`,
    serial && `serial ${serial}`,
    assetTag && `asset tag ${assetTag}`,
  ];
  return facts.filter(Boolean).join(", ") || undefined;
}

/** "10.0.1.7, firmware 7.10, KCS"; "unknown" if its address is not known. */
export function describeManagement({ management }: Inventory): string {
  if (!management) return "unknown";
  const { address = "address unknown", mac, firmware, interface: link } = management;
  return [address, mac, firmware && `firmware ${firmware}`, link].filter(Boolean).join(", ");
}
