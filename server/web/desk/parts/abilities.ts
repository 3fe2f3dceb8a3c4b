/** What the desk offers to whom. The server decides by the same rules (access/principal.ts) when the call arrives. */
import { user } from "../live/state.ts";

/** "order": for the nodes of these groups, undefined standing for a node without one. */
export function mayOrder(groups: readonly (string | undefined)[]): boolean {
  const who = user.value;
  if (who?.role === "admin") return true;
  if (who?.role !== "operator") return false;
  return who.groups === undefined ||
    groups.every((group) => group !== undefined && who.groups?.includes(group));
}

/** Images, templates and everything that concerns nodes of every group. */
export function mayOperate(): boolean {
  const who = user.value;
  return who?.role === "admin" || (who?.role === "operator" && who.groups === undefined);
}

export function mayAdminister(): boolean {
  return user.value?.role === "admin";
}
