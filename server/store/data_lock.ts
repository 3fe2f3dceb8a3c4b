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
    Deno.openSync(`${path}/lock`, { write: true, create: true, mode: 0o600 }).close();
    lock = new DatabaseSync(`${path}/lock`);
    // with its journal in memory it needs no room on the disk
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    throw new RackseedError(`cannot use the data directory ${path}`, {
      ...whyNot(path, messageOf(error)),
      cause: error,
    });
  }
}

function whyNot(path: string, message: string): { reason: string; remedy: string } {
  if (/locked/.test(message)) {
    return {
      reason: "another server works on it.",
      remedy: "stop that server, or give this one its own: --data DIR",
    };
  }
  if (/not a database|malformed/.test(message)) {
    return {
      reason: `its file lock is damaged.`,
      remedy: `remove ${path}/lock: it holds nothing; then start again.`,
    };
  }
  if (/readonly|read-only/i.test(message)) {
    return {
      reason: "it is read-only. Nothing was changed.",
      remedy: `make it writable (mount -o remount,rw), and look into the kernel's log: a file system turns ` +
        "read-only when its disk fails.",
    };
  }
  return {
    reason: `${message}. Nothing was changed.`,
    remedy: "check that the directory belongs to the user who runs the server, and that its disk is sound.",
  };
}
