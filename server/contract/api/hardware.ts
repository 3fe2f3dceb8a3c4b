/** A machine's hardware as its agent reads it. Every part may be missing: from older agents, and if it cannot be read. */
import { z } from "zod";
import { count, text } from "./fields.ts";

/** `cores`: in all sockets, without hyper-threads. */
export const Processors = z.object({ model: text(128), sockets: count, cores: count });

/** A module in its slot: SMBIOS type 17 (DMTF DSP0134 §7.18). */
export const Dimm = z.object({
  /** As printed on the board: "DIMM A1". */
  slot: text(64),
  sizeBytes: count,
  type: text(32).optional(),
  /** Configured, in megatransfers per second. */
  speedMts: count.optional(),
  maker: text(64).optional(),
  part: text(64).optional(),
  serial: text(64).optional(),
});
export type Dimm = z.infer<typeof Dimm>;

/** `slots`: the empty ones among them. */
export const MemoryModules = z.object({ slots: count, dimms: z.array(Dimm).max(256) });

/** What a disk says of its own health: the NVMe SMART log, ATA SMART, or the SCSI informational exceptions. */
export const DiskHealth = z.object({
  /**
   * "failing": the disk itself expects to fail, or no longer writes reliably; "warning": errors or wear that a person
   * should know of.
   */
  verdict: z.enum(["good", "warning", "failing"]),
  /** Why it is not good. */
  reasons: z.array(text(200)).max(16),
  temperatureCelsius: z.int().optional(),
  powerOnHours: count.optional(),
  /** Share of the rated endurance that is used; may exceed 100. */
  wearPercent: count.optional(),
});
export type DiskHealth = z.infer<typeof DiskHealth>;

/** The switch port that a NIC is plugged into, as the switch announces itself (IEEE 802.1AB). */
export const Neighbour = z.object({
  chassis: text(255),
  port: text(255),
  /** The switch's name. */
  system: text(255).optional(),
  portDescription: text(255).optional(),
  address: text(64).optional(),
  /** Of untagged frames. */
  vlan: z.int().min(0).max(4095).optional(),
});
export type Neighbour = z.infer<typeof Neighbour>;

/** A PCI device: "10de:2330" and the class "0302" (PCI Code and ID Assignment Specification). */
export const PciDevice = z.object({
  slot: text(16),
  id: z.string().regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/),
  class: z.string().regex(/^[0-9a-f]{4}$/),
  driver: text(64).optional(),
});
export type PciDevice = z.infer<typeof PciDevice>;

export const Board = z.object({
  firmwareVendor: text(64).optional(),
  firmwareVersion: text(64).optional(),
  firmwareDate: text(32).optional(),
  maker: text(64).optional(),
  name: text(64).optional(),
  version: text(64).optional(),
  serial: text(64).optional(),
  assetTag: text(64).optional(),
});

/** Its management controller. `address`: absent if neither IPMI nor SMBIOS tells it. */
export const ManagementController = z.object({
  address: text(64).optional(),
  mac: text(32).optional(),
  firmware: text(32).optional(),
  /** "KCS", as SMBIOS type 38 names it. */
  interface: text(32).optional(),
});

/** What a person should know of a node's hardware before it is deployed. */
export const HardwareWarning = z.object({
  /** "disk-failing" lasts until the disk is replaced; the others until the hardware is as before, or is accepted. */
  kind: z.enum([
    "memory",
    "disk",
    "disk-health",
    "disk-failing",
    "nic",
    "processor",
    "firmware",
    "device",
    "management",
  ]),
  what: text(400),
});
export type HardwareWarning = z.infer<typeof HardwareWarning>;
