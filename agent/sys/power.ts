/** Restarts the machine. */
import { rebootNow, syncAll } from "./kernel.ts";
import { runCommand } from "./command.ts";
import { exists, namesIn } from "./small_file.ts";

/** Flushes everything to the disks, then restarts. Returns only by throwing, if the kernel refuses. */
export function restart(): void {
  syncAll();
  rebootNow("restart");
}

/**
 * Flushes everything to the disks, then starts the loaded kernel. NICs are switched off first, as kexec(8) does: they
 * must not write to memory that is another kernel's by then. Returns only by throwing, if the kernel refuses.
 */
export async function startLoaded(): Promise<void> {
  for (const name of await namesIn("/sys/class/net")) {
    if (!await exists(`/sys/class/net/${name}/device`)) continue;
    await runCommand(["ip", "link", "set", "dev", name, "down"], { accept: [0, 1, 2] });
  }
  syncAll();
  rebootNow("kexec");
}
