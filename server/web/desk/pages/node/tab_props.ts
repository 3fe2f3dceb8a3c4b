/** What every part of a node's page gets. */
import type { NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";

export interface TabProps {
  readonly name: string;
  /** Live, as lists show it; absent until the feed has it. */
  readonly node: DeskNode | undefined;
  readonly view: NodeView;
  reload(): void;
}
