/** This process's open files, as /proc/self/fd shows them: descriptor to path. */
import { namesIn } from "./small_file.ts";

/** Those of files below a directory; names that were removed are among them, ending in " (deleted)". */
export async function descriptorsBelow(directory: string): Promise<Map<number, string>> {
  const root = await Deno.realPath(directory);
  const found = new Map<number, string>();
  for (const fd of await namesIn("/proc/self/fd")) {
    const path = await Deno.readLink(`/proc/self/fd/${fd}`).catch(() => "");
    if (path === root || path.startsWith(`${root === "/" ? "" : root}/`)) found.set(Number(fd), path);
  }
  return found;
}
