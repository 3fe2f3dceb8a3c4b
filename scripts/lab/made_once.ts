/** Files and folders of the lab's cache: each is made once, also if several labs run at the same time. */
import { dirname } from "node:path";
import { run } from "./command.ts";

/**
 * Calls `make` unless `path` is there. `path` appears only when it is complete; other processes wait for it.
 *
 * @param make writes what shall be at `path` to the path that it is given, where nothing is
 */
export async function madeOnce(path: string, make: (part: string) => Promise<void>): Promise<void> {
  if (await exists(path)) return;
  await Deno.mkdir(dirname(path), { recursive: true });
  using lock = await Deno.open(`${path}.lock`, { write: true, create: true });
  await lock.lock(true);
  if (await exists(path)) return;
  const part = `${path}.part`;
  await run(["rm", "-rf", part]);
  await make(part);
  await Deno.rename(part, path);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
