import type { NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";

/** As much of the node as orders need. */
export function deskOf({ name, state }: NodeView): DeskNode {
  return { name, state };
}
