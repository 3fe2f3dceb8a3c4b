/** The nodes that the reader has selected: kept while they look at other pages. */
import { computed, signal } from "@preact/signals";
import { nodesByName, nodesChanged } from "./state.ts";

const chosen = signal<ReadonlySet<string>>(new Set());

/** Without nodes that are gone. */
export const selection = computed<ReadonlySet<string>>(() => {
  nodesChanged.value;
  const names = [...chosen.value].filter((name) => nodesByName.has(name));
  return names.length === chosen.value.size ? chosen.value : new Set(names);
});

export function select(names: Iterable<string>, isSelected: boolean): void {
  const next = new Set(selection.value);
  for (const name of names) {
    if (isSelected) next.add(name);
    else next.delete(name);
  }
  chosen.value = next;
}

export function clearSelection(): void {
  chosen.value = new Set();
}
