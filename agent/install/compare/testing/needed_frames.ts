import type { Manifest } from "#contract/format/manifest.ts";
import { type Existing, planTree } from "../../extract/frame_plan.ts";

/** Numbers of the frames that an install needs to complete what the target holds already. */
export function neededFrames(manifest: Manifest, existing: Existing): number[] {
  return planTree(manifest, existing).frames.flatMap((work) => work ? [work.frame] : []);
}
