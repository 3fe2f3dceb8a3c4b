import type { Manifest } from "#contract/format/manifest.ts";
import { planTree, type Standing } from "../../extract/frame_plan.ts";

/** Numbers of the frames that an install needs to complete what the target holds already. */
export function neededFrames(manifest: Manifest, standing: Standing): number[] {
  return planTree(manifest, standing).frames.flatMap((work) => work ? [work.frame] : []);
}
