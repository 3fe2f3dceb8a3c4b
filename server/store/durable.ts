/** Files that are whole or absent after a power cut: temporary name, fsync, rename, fsync of the folder. */

/** Writes a new file (0600) and syncs it; its name is durable once its folder is synced too. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
  await writeAll(file, bytes);
  await file.sync();
}

/** Replaces a file atomically. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeSynced(`${path}.new`, bytes);
  await Deno.rename(`${path}.new`, path);
  await syncPath(path.slice(0, path.lastIndexOf("/")));
}

export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** fsync of a file or folder. */
export async function syncPath(path: string): Promise<void> {
  using file = await Deno.open(path);
  await file.sync();
}

/** fsync of a flat folder and its files. */
export async function syncFolder(path: string): Promise<void> {
  for await (const { name } of Deno.readDir(path)) await syncPath(`${path}/${name}`);
  await syncPath(path);
}

/** Removes a file or tree, if it exists. */
export function removeSync(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The size of a file in bytes; undefined if there is no such file. */
export function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
