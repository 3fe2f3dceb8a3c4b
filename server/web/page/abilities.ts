/** What the page offers to whom. The guard decides by the same rules when a call arrives. */
import { type NamedNode, type Principal, refusalOf } from "../../access/principal.ts";

/** Whether a schedule for these nodes may be paused, resumed or run. */
export function mayChange(principal: Principal, { named }: { named: readonly NamedNode[] }): boolean {
  return refusalOf(principal, { access: "order", nodes: named }) === undefined;
}
