/** Small files of sysfs, procfs and /etc. A missing one is undefined, not an error. */

/** The first line, trimmed; undefined if the file is missing, empty, or has no value to give (sysfs: EINVAL). */
export async function firstLine(path: string): Promise<string | undefined> {
  return (await textOf(path))?.split("\n")[0]?.trim() || undefined;
}

export async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}

/** Sorted; empty if there is no such directory. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Does not follow a symlink. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** The last part of what a link of sysfs names. */
export async function linkName(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readLink(path)).split("/").at(-1);
  } catch {
    return undefined;
  }
}
