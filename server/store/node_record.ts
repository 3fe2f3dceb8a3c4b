import type { Inventory, NodeSettings } from "#contract/api.ts";

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  readonly settings: NodeSettings;
  /** Seen on the network, but not yet named or configured. */
  readonly discovered: boolean;
  /** Its latest address. */
  readonly address?: string;
  readonly seen?: string;
  readonly inventory?: Inventory;
  /** When it reported that. */
  readonly inventoryAt?: string;
}
