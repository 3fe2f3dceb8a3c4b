/** Modules of the kernel. */
import type { Run } from "./command.ts";
import { exists, firstLine } from "./small_file.ts";

interface Loading {
  readonly run: Run;
  readonly signal?: AbortSignal | undefined;
}

/** Loads those that are not in the kernel yet. One that cannot be had is no error: whatever needs it says so. */
export async function loadModules(names: readonly string[], { run, signal }: Loading): Promise<void> {
  const absent = await absentModules(names);
  if (absent.length > 0) await run(["modprobe", "-a", "-q", ...absent], { signal, accept: [0, 1] });
}

/** Those that /sys/module does not show as ready; a part of the kernel itself may be among them. */
export async function absentModules(names: Iterable<string>): Promise<string[]> {
  const absent: string[] = [];
  for (const name of new Set(names)) {
    const at = `/sys/module/${name.replaceAll("-", "_")}`;
    // Documentation/ABI/testing/sysfs-module: what is built in has no such file
    const state = await firstLine(`${at}/initstate`) ?? "live";
    if (state !== "live" || !await exists(at)) absent.push(name);
  }
  return absent;
}
