/** Machines that appear: they ask for an address or a boot program, and are no nodes yet. */
import { z } from "zod";
import { Mac } from "../identity.ts";
import { count, id, MachineName, text, time } from "./fields.ts";
import { Inventory } from "./node_agent.ts";
import { NodeSettings, NodeState } from "./nodes.ts";

/** How machines reach the server before they have an agent. */
export const SEEN_BY = ["dhcp", "tftp", "http"] as const;
export const SeenBy = z.enum(SEEN_BY);
export type SeenBy = z.infer<typeof SeenBy>;

/** What a machine's requests tell of it. */
export const Sighting = z.object({
  first: time,
  /** Requests less than a minute after one another count once: a boot sends several. */
  appearances: count,
  by: z.array(SeenBy),
  /** By DHCP option 93 (RFC 4578 §2.1); absent if its requests have not said. */
  architecture: z.enum(["x86", "x86-64", "arm32", "arm64"]).optional(),
  firmware: z.enum(["bios", "uefi"]).optional(),
  /** It asked to boot from the network, not only for an address. */
  boots: z.literal(true).optional(),
});
export type Sighting = z.infer<typeof Sighting>;

export const MachineView = z.object({
  id,
  mac: Mac,
  /** Who made its NIC, by the prefix of the MAC; absent if not known. */
  vendor: text(64).optional(),
  sighting: Sighting,
  /** Its last request. */
  seen: time,
  address: text(64).optional(),
  /** If its inventory was ordered: how far that is. */
  state: NodeState,
  inventory: Inventory.optional(),
  inventoryAt: time.optional(),
});
export type MachineView = z.infer<typeof MachineView>;

/** Makes machines that appeared nodes. `settings`: without the MAC, which is `mac`. */
export const Adoption = z.object({ node: MachineName, mac: Mac, settings: NodeSettings.omit({ mac: true }) });
export type Adoption = z.infer<typeof Adoption>;
export const AdoptRequest = z.array(Adoption).min(1).max(1000);
