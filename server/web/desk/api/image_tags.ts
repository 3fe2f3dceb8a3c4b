/** Tags of images, for searches that name them. */
import { useMemo } from "preact/hooks";
import type { ImageView } from "#contract/api.ts";
import { useResource } from "./resource.ts";

/** "web@stable" → "web@3". Asked for only if the search names a tag. */
export function useImageTags(search: string): ReadonlyMap<string, string> {
  const isAsked = /image:\S*@[a-z]/i.test(search);
  const { value } = useResource<ImageView[]>(isAsked ? "/images" : undefined, { on: ["images"] });
  return useMemo(() => tagsOf(value ?? []), [value]);
}

function tagsOf(images: readonly Pick<ImageView, "image" | "version" | "tags">[]): Map<string, string> {
  return new Map(
    images.flatMap(({ image, version, tags }) =>
      tags.map((tag): [string, string] => [`${image}@${tag}`, `${image}@${version}`])
    ),
  );
}
