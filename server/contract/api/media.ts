/** Bootable media: what is ordered, and what the server knows of those it made. */
import { z } from "zod";
import { ImageName } from "../format/manifest.ts";
import { Cidr, Ipv4Address, VlanId } from "../identity.ts";
import { count, ImageRef, MachineName, MediumId, text, time } from "./fields.ts";
import { NodeSettings } from "./node_settings.ts";

export const MAX_MEDIUM_HOURS = 24 * 366;
export const DEFAULT_MEDIUM_HOURS = 24;

/** A machine that the medium is for, by MAC or serial number. */
export const MediumNodeEntry = z.strictObject({
  node: MachineName,
  /** The machine's serial number (SMBIOS). */
  serial: text(128).optional(),
  settings: NodeSettings,
}).refine(({ serial, settings }) => serial !== undefined || settings.mac !== undefined, {
  error: "a machine is known by its MAC or its serial number",
});
export type MediumNodeEntry = z.infer<typeof MediumNodeEntry>;

export const MediumRequest = z.strictObject({
  /** The version whose kernel and tools start the machine. */
  image: ImageRef,
  /** The medium carries the version, and installs it without a network. */
  packs: z.boolean().default(false),
  /** With `packs`: the machines that it is for. */
  nodes: z.array(MediumNodeEntry).max(1000).optional(),
  /** The medium carries its own code, so nobody has to type it. Anyone who finds the medium can read what is on it. */
  unattended: z.boolean().default(false),
  /** Without `packs`: how a machine reaches the server. Without an address it asks by DHCP; without a VLAN it sends no tag. */
  network: z.strictObject({
    vlan: VlanId.optional(),
    address: Cidr.optional(),
    gateway: Ipv4Address.optional(),
    dns: z.array(Ipv4Address).max(3).optional(),
  }).optional(),
  /** Without `packs`: how long machines may enrol by it. */
  hours: z.int().min(1).max(MAX_MEDIUM_HOURS).default(DEFAULT_MEDIUM_HOURS),
});
export type MediumRequest = z.input<typeof MediumRequest>;

export const MediumView = z.object({
  id: MediumId,
  image: ImageName,
  version: z.int(),
  kind: z.enum(["packs", "network"]),
  created: time,
  /** Who ordered it. */
  by: text(200),
  unattended: z.boolean(),
  /** "network": no machine enrols by it after that. */
  expires: time.optional(),
  /** "network": when a machine last asked by it. */
  lastUsed: time.optional(),
});
export type MediumView = z.infer<typeof MediumView>;

/** `code` is shown this once; the server does not keep it. */
export const MediumAnswer = z.object({ medium: MediumView, code: text(64), sizeBytes: count });
export type MediumAnswer = z.infer<typeof MediumAnswer>;

/** A machine that was started by a medium asks for its order. */
export const MediumBoot = z.object({ macs: z.array(text(32)).min(1).max(64) });

/** The machine is armed; its agent goes on as after a boot from the network. */
export const MediumBootAnswer = z.object({
  /** "web@3" */
  image: text(100),
  /** The boot token. */
  token: text(200),
  mac: text(32),
});
