/**
 * One server per data directory: it holds an exclusive lock on DIR/lock, which the system releases when the process
 * ends, however it ends.
 */
import { DatabaseSync } from "node:sqlite";
import { messageOf, RackseedError } from "#contract/errors.ts";

/** Makes the directory if it is missing, and locks it. Throws RackseedError if that fails. */
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

/** Uses SQLite's own file lock (fcntl): the runtime has no other that does not wait. */
function openLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    Deno.openSync(`${path}/lock`, { write: true, create: true, mode: 0o600 }).close();
    lock = new DatabaseSync(`${path}/lock`);
    // with the journal in memory, locking needs no room on the disk
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
      reason: "another server is using it.",
      remedy: "stop that server, or give this one its own directory: --data DIR",
    };
  }
  if (/not a database|malformed/.test(message)) {
    return {
      reason: "its file `lock` is damaged.",
      remedy: `remove ${path}/lock, which holds no data, and start again.`,
    };
  }
  if (/readonly|read-only/i.test(message)) {
    return {
      reason: "it is read-only. Nothing was changed.",
      remedy: `make it writable (mount -o remount,rw), and read the kernel's log: a file system turns ` +
        "read-only when its disk fails.",
    };
  }
  return {
    reason: `${message}. Nothing was changed.`,
    remedy: "check that the directory belongs to the user who runs the server, and that its disk is sound.",
  };
}
