/** A node's hardware as text. */
import type { Inventory } from "#contract/api.ts";

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
export function nameOfDisk({ name, paths = [] }: Inventory["disks"][number]): string {
  const others = paths.filter((path) => path !== name);
  return others.length === 0 ? name : `${name}, also seen as ${others.join(" and ")}`;
}
