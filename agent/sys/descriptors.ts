/** This process's open files, from /proc/self/fd. */
import { namesIn } from "./small_file.ts";

/** Descriptor → path of the open files below a directory. Removed files are included; their path ends in " (deleted)". */
export async function descriptorsBelow(directory: string): Promise<Map<number, string>> {
  const root = await Deno.realPath(directory);
  const found = new Map<number, string>();
  for (const fd of await namesIn("/proc/self/fd")) {
    const path = await Deno.readLink(`/proc/self/fd/${fd}`).catch(() => "");
    if (path === root || path.startsWith(`${root === "/" ? "" : root}/`)) found.set(Number(fd), path);
  }
  return found;
}
