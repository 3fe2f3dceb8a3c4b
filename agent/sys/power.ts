/** The end of a machine's run. */
import { rebootNow, syncAll } from "./kernel.ts";

/** Writes everything back, then restarts. Returns only where the kernel refuses, by throwing. */
export function restart(): void {
  syncAll();
  rebootNow("restart");
}
