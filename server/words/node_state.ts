/** How the command line and the page show a node's state. */
import type { NodeView } from "#contract/api.ts";
import { formatTime } from "./figures.ts";

type Doing = Pick<NodeView, "state" | "backup" | "discover" | "everyBoot">;

/**
 * The state as text; a node whose disks are only read is not shown as "installing", and one that is restored at every
 * boot is shown as that.
 */
export function stateOf(node: Doing): string {
  return node.everyBoot ? `${ownState(node)}, restored at every boot` : ownState(node);
}

function ownState({ state, backup, discover }: Doing): string {
  if (!backup && !discover) return state;
  const [doing, order] = backup ? ["backing up", "backup"] : ["reading hardware", "discovery"];
  if (state === "installing") return doing;
  if (state === "armed") return `armed for ${order}`;
  return state === "failed" || state === "aborted" ? `${order} ${state}` : state;
}

/** What holds for every boot, and how it is called off. */
export function describeEveryBoot({ name, everyBoot }: NodeView): string | undefined {
  if (!everyBoot) return undefined;
  const { by, since, image, version } = everyBoot;
  const target = image ?? (version === undefined ? "its assigned image" : `version ${version} of its image`);
  return `each boot from the network restores it to ${target}; ordered by ${by}, ${formatTime(since)}; ` +
    `rackseed node cancel ${name} calls it off`;
}
