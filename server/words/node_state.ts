/** How the command line and the page show a node's state. */
import type { NodeView } from "#contract/api.ts";

/** The state as text; a node that is being backed up is not shown as "installing". */
export function stateOf({ state, backup }: NodeView): string {
  if (!backup) return state;
  if (state === "installing") return "backing up";
  if (state === "armed") return "armed for backup";
  return state === "failed" || state === "aborted" ? `backup ${state}` : state;
}
