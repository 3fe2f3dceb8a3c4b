/** Device nodes of MD arrays that this machine starts for itself, and how it stops them. */
import type { Run } from "../../sys/command.ts";
import { pauseFor } from "../../sys/retry.ts";
import { exists } from "../../sys/small_file.ts";

/** Arrays get numbers from here down, as mdadm numbers them itself. */
const HIGHEST_NUMBER = 127;
const STOP_ATTEMPTS = 10, STOP_PAUSE_MS = 200;

/** "/dev/md127", or the next one down that is not in `taken`; it is from now on. */
export async function freeArrayDevice(taken: Set<string> = new Set()): Promise<string> {
  for (let number = HIGHEST_NUMBER; number > 0; number--) {
    const device = `/dev/md${number}`;
    if (await exists(`/sys/block/md${number}`) || taken.has(device)) continue;
    taken.add(device);
    return device;
  }
  throw new RangeError("every number of an MD array is in use");
}

export async function stopArray(device: string, run: Run): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return void await run(["mdadm", "--stop", device]);
    } catch (error) {
      // another program may not have closed it yet
      if (attempt === STOP_ATTEMPTS) throw error;
      await pauseFor(STOP_PAUSE_MS, new AbortController().signal);
    }
  }
}

/** Modules of the kernel for an array of this level. */
export function arrayModules(level: string): string[] {
  return ["md-mod", /^raid[456]$/.test(level) ? "raid456" : level];
}
