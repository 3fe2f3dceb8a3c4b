import type { Inventory, NodeSettings } from "#contract/api.ts";

export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  readonly settings: NodeSettings;
  /** Nobody has named or configured it yet. */
  readonly discovered: boolean;
  /** Where it was last heard from. */
  readonly address?: string;
  readonly seen?: string;
  readonly inventory?: Inventory;
}
