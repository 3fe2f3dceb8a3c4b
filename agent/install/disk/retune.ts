/** Resets the file system properties that can be set at any time: the machine's users may have changed them. */
import { parseDumpe2fs } from "../../layout/properties/ext.ts";
import type { TargetDisks } from "./guard.ts";
import type { CarryOut } from "./carry_out.ts";
import { tune } from "./partition.ts";
import { type Plan } from "#plan/actions.ts";
import { tune2fsArgv } from "#plan/plan_ext.ts";
import type { Formatting } from "#plan/plan_format.ts";

/** `text`: output of `tune2fs -l`. Pure. */
export function isTuned({ tuning }: Pick<Formatting, "tuning">, text: string): boolean {
  if (tuning === undefined) return true;
  const { properties, blockBytes } = parseDumpe2fs(text);
  const now = tune2fsArgv(properties, { sizeBytes: properties.blocks * blockBytes, blockBytes });
  return JSON.stringify(now) === JSON.stringify(tuning);
}

/** Returns what was set, as text, or would be: `dryRun` writes nothing. `without`: file systems that are missing. */
export async function retuneDisk(
  target: TargetDisks,
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
    const device = target.device(formatting.volume);
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
