/** How a node's state is shown, on the command line and on the page. */
import type { NodeView } from "#contract/api.ts";

/** In words; a node that is backed up is not installed. */
export function stateOf({ state, backup }: NodeView): string {
  if (!backup) return state;
  if (state === "installing") return "backing up";
  if (state === "armed") return "armed for backup";
  return state === "failed" || state === "aborted" ? `backup ${state}` : state;
}
