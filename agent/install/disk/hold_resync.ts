/** Holds back the first synchronisation of new MD arrays and raid volumes of LVM: md(4), "speed_limit_max". */
import { loadModules } from "../../sys/modules.ts";
import { textOf } from "../../sys/small_file.ts";
import type { CarryOut } from "./carry_out.ts";

const LIMITS = ["min", "max"].map((end) => `/proc/sys/dev/raid/speed_limit_${end}`);
/** KiB/s for each device. */
const HELD_BACK = "1";

/**
 * It would compete with the installation for the disks. Everything that is written goes to all copies at once, so
 * nothing is lost: the clone's own kernel does the rest in the background, as after any installation onto a RAID. The
 * alternative, to declare the copies equal, makes the first check of the array report differences where nothing was
 * ever written (mdadm(8), --assume-clean). Until disposed of, or until the machine restarts.
 */
export async function holdResync({ run, signal }: CarryOut): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  await loadModules(["md-mod"], { run, signal });
  for (const path of LIMITS) {
    const before = await textOf(path);
    // a kernel without MD has no such setting
    if (before === undefined) continue;
    await Deno.writeTextFile(path, HELD_BACK);
    stack.defer(() => Deno.writeTextFile(path, before));
  }
  return stack.move();
}
