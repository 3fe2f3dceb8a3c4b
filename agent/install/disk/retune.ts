/**
 * Properties of file systems that can be set at any time, where a disk is to be restored: who runs the machine may
 * have changed them.
 */
import { parseDumpe2fs } from "../../layout/properties/ext.ts";
import type { TargetDisk } from "./guard.ts";
import { type CarryOut, tune } from "./partition.ts";
import { placeNumber, type Plan } from "./plan.ts";
import { tune2fsArgv } from "./plan_ext.ts";
import type { Formatting } from "./plan_format.ts";

/** `text`: what `tune2fs -l` says of the file system. Pure. */
export function isTuned({ tuning }: Pick<Formatting, "tuning">, text: string): boolean {
  if (tuning === undefined) return true;
  const { properties, blockBytes } = parseDumpe2fs(text);
  const now = tune2fsArgv(properties, { sizeBytes: properties.blocks * blockBytes, blockBytes });
  return JSON.stringify(now) === JSON.stringify(tuning);
}

/** Returns what was set, in words, or would be: `dryRun` writes nothing. `without`: what is not there. */
export async function retuneDisk(
  target: TargetDisk,
  { plan, without, dryRun, run, signal }: CarryOut & {
    plan: Plan;
    without: readonly Formatting[];
    dryRun: boolean;
  },
): Promise<string[]> {
  const notes: string[] = [];
  for (const action of plan.actions) {
    if (action.do !== "format" || without.includes(action.formatting)) continue;
    const { formatting } = action;
    if (formatting.tuning === undefined) continue;
    const device = target.device(placeNumber(formatting.place));
    if (isTuned(formatting, (await run(["tune2fs", "-l", device], { signal })).stdout)) continue;
    if (!dryRun) await tune(target, { formatting, run, signal });
    notes.push(
      `${formatting.mountPoint ?? formatting.type} ${
        dryRun ? "would get" : "got"
      } the template's reserved blocks, ` +
        "mount options and checks again",
    );
  }
  return notes;
}
