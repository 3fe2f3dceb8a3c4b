/** What the page offers to whom. The guard decides by the same rules when a call arrives. */
import type { NodeView } from "#contract/api.ts";
import { type NamedNode, type Principal, refusalOf } from "../../access/principal.ts";

export function mayOrder(principal: Principal, { name, settings: { group } }: NodeView): boolean {
  return refusalOf(principal, { access: "order", nodes: [{ name, group }] }) === undefined;
}

export function mayOperate(principal: Principal): boolean {
  return refusalOf(principal, { access: "operate", nodes: [] }) === undefined;
}

export function mayAdminister(principal: Principal): boolean {
  return refusalOf(principal, { access: "administer", nodes: [] }) === undefined;
}

/** Whether a schedule for these nodes may be paused, resumed or run. */
export function mayChange(principal: Principal, { named }: { named: readonly NamedNode[] }): boolean {
  return refusalOf(principal, { access: "order", nodes: named }) === undefined;
}
