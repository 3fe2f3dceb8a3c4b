/** How far a site's images are, counted for lists of sites. */
import type { SiteView } from "#contract/api/sites.ts";

/**
 * `ready` of `all` assigned versions are at the site. `wrong`: the site cannot have them, or copying failed.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const copy = { image: "web", version: 1, state: "ready", doneBytes: 1, totalBytes: 1 } as const;
 * const assigned = [{ ref: "web", version: "web@1" }, { ref: "web@1", version: "web@1" }];
 * assert.deepEqual(siteImages({ assigned, mirror: [copy] }), { ready: 1, all: 1, wrong: 0 });
 * ```
 */
export function siteImages(
  { assigned, mirror }: Pick<SiteView, "assigned" | "mirror">,
): { ready: number; all: number; wrong: number } {
  const states = new Map(mirror.map(({ image, version, state }) => [`${image}@${version}`, state]));
  const refs = [...new Set(assigned.map(({ ref, version }) => version ?? ref))];
  const count = (state: string) => refs.filter((ref) => states.get(ref) === state).length;
  return {
    ready: count("ready"),
    all: refs.length,
    wrong: count("failed") + assigned.filter(({ problem }) => problem !== undefined).length,
  };
}
