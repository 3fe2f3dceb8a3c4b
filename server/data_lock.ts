/**
 * One server a data directory: it holds an exclusive lock on DIR/lock, which the system drops with the process,
 * however that ends.
 */
import { DatabaseSync } from "node:sqlite";
import { messageOf, RackseedError } from "#contract/errors.ts";

/** Makes the directory where it is missing, and locks it. Throws RackseedError where it cannot be had. */
export function lockDataDirectory(path: string): Disposable {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RackseedError(`cannot make the data directory ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "start as root, or give a directory that you may write to: --data DIR",
      cause: error,
    });
  }
  const lock = openLock(path);
  return { [Symbol.dispose]: () => lock.close() };
}

/** SQLite's own file lock (fcntl) is what the runtime offers without waiting for it. */
function openLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${path}/lock`);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    const held = /locked/.test(messageOf(error));
    throw new RackseedError(`cannot use the data directory ${path}`, {
      reason: held ? "another server works on it." : `${messageOf(error)}.`,
      remedy: held
        ? "stop that server, or give this one its own: --data DIR"
        : "check the directory's owner and that the disk is not full.",
      cause: error,
    });
  }
}
