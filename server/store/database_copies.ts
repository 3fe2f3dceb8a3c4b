/**
 * Copies of the database from before it was migrated, beside it: `rackseed.db.schema-2` is as the last Rackseed with
 * schema 2 left it.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf, RackseedError } from "#contract/errors.ts";

/** The newest ones are kept. */
const MOST_COPIES = 3;

/**
 * Copies the database, which is open. By SQLite itself: opening its file another time would release its lock (see
 * "How To Corrupt An SQLite Database File" §2.2). Throws RackseedError, with nothing changed, if that fails.
 */
export function copyBeforeMigration(
  db: DatabaseSync,
  { path, schema }: { path: string; schema: number },
): void {
  const scratch = `${path}.copy`;
  try {
    removeIfThere(scratch);
    // VACUUM INTO takes an empty file, and leaves its mode
    Deno.openSync(scratch, { write: true, createNew: true, mode: 0o600 }).close();
    db.prepare("VACUUM INTO ?").run(scratch);
    using file = Deno.openSync(scratch);
    file.syncSync();
    Deno.renameSync(scratch, copyOf(path, schema));
  } catch (error) {
    try {
      removeIfThere(scratch);
    } catch {
      // the next start tries again
    }
    throw new RackseedError(`cannot bring the database ${path} to this version of Rackseed`, {
      reason: `no copy of it could be kept: ${messageOf(error)}. Nothing was changed.`,
      remedy: "free room for a second copy of it, and start again; or go on with the version before.",
      cause: error,
    });
  }
  for (const other of copiesOf(path).slice(0, -MOST_COPIES)) removeIfThere(copyOf(path, other));
}

/** The schemas of the copies, rising. */
export function copiesOf(path: string): number[] {
  const [, folder = "", name = ""] = /^(.*)\/([^/]*)$/.exec(path) ?? [];
  const names = [...Deno.readDirSync(folder === "" ? "/" : folder)].map((entry) => entry.name);
  const prefix = `${name}.schema-`;
  return names.filter((n) => n.startsWith(prefix) && /^\d+$/.test(n.slice(prefix.length)))
    .map((n) => Number(n.slice(prefix.length)))
    .sort((a, b) => a - b);
}

export function copyOf(path: string, schema: number): string {
  return `${path}.schema-${schema}`;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
