/** Lineages out of the list of versions, and who runs which version. */
import { computed } from "@preact/signals";
import type { DeskNode } from "#contract/desk.ts";
import type { ImageView } from "#contract/api.ts";
import { nodes } from "../../live/state.ts";

export interface LineageFacts {
  readonly name: string;
  /** Newest first. */
  readonly versions: readonly ImageView[];
  readonly backupOf: string | undefined;
  readonly bytes: number;
}

export function refOf({ image, version }: { readonly image: string; readonly version: number }): string {
  return `${image}@${version}`;
}

/** The newest capture first. */
export function lineagesOf(images: readonly ImageView[]): LineageFacts[] {
  const lineages = Map.groupBy(images, ({ image }) => image).entries().map(([name, versions]) => {
    const newestFirst = [...versions].sort((a, b) => b.version - a.version);
    return {
      name,
      versions: newestFirst,
      backupOf: newestFirst[0]?.backupOf,
      bytes: newestFirst[0]?.stored.lineage ?? 0,
    };
  });
  const newest = ({ versions }: LineageFacts) => versions[0]?.created ?? "";
  return [...lineages].sort((a, b) => newest(a) < newest(b) ? 1 : -1);
}

/** By version ("web@3"): the nodes that have it, or get it now. */
export const nodesByImage = computed<ReadonlyMap<string, readonly DeskNode[]>>(() =>
  Map.groupBy(nodes.value.filter(({ image }) => image !== undefined), ({ image }) => image ?? "")
);

/** Number of nodes that have a version of the image. */
export function nodesOf(versions: readonly ImageView[]): number {
  return versions.reduce((sum, one) => sum + (nodesByImage.value.get(refOf(one))?.length ?? 0), 0);
}
