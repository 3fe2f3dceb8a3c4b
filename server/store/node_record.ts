import type { Inventory, NodeSettings } from "#contract/api.ts";
import type { Sighting } from "#contract/api/machines.ts";

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  readonly settings: NodeSettings;
  /** A machine that appeared on the network and was not made a node yet. */
  readonly discovered: boolean;
  /** What its requests showed, of DHCP and of boot files. */
  readonly sighting?: Sighting;
  /** Its latest address. */
  readonly address?: string;
  readonly seen?: string;
  readonly inventory?: Inventory;
  /** When it reported that. */
  readonly inventoryAt?: string;
}
