import { type Image, key } from "./small_image.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import type { ExistingTree } from "../../agent/install/compare/existing.ts";

async function* order(frames: readonly number[]): AsyncGenerator<number> {
  yield* frames;
}

/** Installs the frames of a small image, with what exists on its target. */
export function installImage(
  { manifest, target, pack }: Image,
  frames: readonly number[],
  existing?: ExistingTree,
): ReturnType<typeof installTree> {
  return installTree({
    manifest,
    key,
    target,
    existing,
    packs: { path: () => pack },
    frames: order(frames),
    workers: 2,
  });
}
