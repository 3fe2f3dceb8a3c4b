import type { NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";

/** What each part of a node's page gets. */
export interface TabProps {
  readonly name: string;
  /** Live, as lists show it; absent until the feed has it. */
  readonly node: DeskNode | undefined;
  readonly view: NodeView;
  reload(): void;
}
