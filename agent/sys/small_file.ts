/** Small files of sysfs, procfs and /etc: what is not there is undefined, not an error. */

/** First line, trimmed; undefined where the file is not there, is empty, or cannot give its value (sysfs: EINVAL). */
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

/** Sorted; empty where the directory is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Follows no link. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
