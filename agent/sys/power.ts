/** Restarts the machine. */
import { rebootNow, syncAll } from "./kernel.ts";

/** Flushes everything to the disks, then restarts. Returns only by throwing, if the kernel refuses. */
export function restart(): void {
  syncAll();
  rebootNow("restart");
}
