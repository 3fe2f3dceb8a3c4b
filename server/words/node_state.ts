/** How the command line and the page show a node's state. */
import type { NodeView } from "#contract/api.ts";

/** The state as text; a node whose disks are only read is not shown as "installing". */
export function stateOf(
  { state, backup, discover }: Pick<NodeView, "state" | "backup" | "discover">,
): string {
  if (!backup && !discover) return state;
  const [doing, order] = backup ? ["backing up", "backup"] : ["reading hardware", "discovery"];
  if (state === "installing") return doing;
  if (state === "armed") return `armed for ${order}`;
  return state === "failed" || state === "aborted" ? `${order} ${state}` : state;
}
