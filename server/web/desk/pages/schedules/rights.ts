/** What the reader may do with a schedule: as the server decides, by all of its nodes. */
import { nodes, nodesByName } from "../../live/state.ts";
import { mayOperate, mayOrder } from "../../parts/abilities.ts";
import { namesIn } from "../../search/name_ranges.ts";

/** Names of the nodes that ranges and groups stand for now. */
export function namesOf(patterns: readonly string[]): string[] {
  const found = patterns.flatMap((pattern) => {
    if (!pattern.startsWith("@")) return expanded(pattern);
    const label = pattern.slice(1);
    return nodes.value.filter(({ group }) => group === label).map(({ name }) => name);
  });
  return [...new Set(found)];
}

/** `isForced`: it takes another node's backup, or failing disks. */
export function maySchedule(patterns: readonly string[], { isForced = false } = {}): boolean {
  const names = namesOf(patterns);
  if (isForced || names.length === 0) return mayOperate();
  return mayOrder(names.map((name) => nodesByName.get(name)?.group));
}

function expanded(pattern: string): string[] {
  try {
    return namesIn(pattern);
  } catch {
    // not typed to its end
    return [pattern];
  }
}
