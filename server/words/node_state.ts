/** How the command line and the page show a node's state. */
import type { NodeView } from "#contract/api.ts";
import { formatTime } from "./figures.ts";

/**
 * The state as text; a node that is being backed up is not shown as "installing", and one that is restored at every
 * boot is shown as that.
 */
export function stateOf(node: NodeView): string {
  return node.everyBoot ? `${ownState(node)}, restored at every boot` : ownState(node);
}

function ownState({ state, backup }: NodeView): string {
  if (!backup) return state;
  if (state === "installing") return "backing up";
  if (state === "armed") return "armed for backup";
  return state === "failed" || state === "aborted" ? `backup ${state}` : state;
}

/** What holds for every boot, and how it is called off. */
export function describeEveryBoot({ name, everyBoot }: NodeView): string | undefined {
  if (!everyBoot) return undefined;
  const { by, since, image, version } = everyBoot;
  const target = image ?? (version === undefined ? "its assigned image" : `version ${version} of its image`);
  return `each boot from the network restores it to ${target}; ordered by ${by}, ${formatTime(since)}; ` +
    `rackseed node cancel ${name} calls it off`;
}
