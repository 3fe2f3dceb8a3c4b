/**
 * The server's database: SQLite through node:sqlite. Every repository in this folder creates its own tables
 * (`CREATE TABLE IF NOT EXISTS …`) when it is constructed with the handle.
 */
import { DatabaseSync } from "node:sqlite";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { copiesOf, copyBeforeMigration, copyOf } from "./database_copies.ts";
import type { Database } from "./engine.ts";
import { restoreRemedy } from "./start_check.ts";

/** Increased when a table changes in a way that an older Rackseed would misread. */
// 2: nodes can be armed for backups, which an older Rackseed would carry out as installations
// 3: an older Rackseed would forget which disks of a node may be written
// 4: an older Rackseed would carry out actions without recording them in the audit log, and knows no roles
// 5: nodes can be armed to have their hardware read, which an older Rackseed would carry out as installations; it would
//    forget the nodes that are restored at every boot, and the secrets of schedules, and let in users who are refused
// 6: an older Rackseed would delete versions that tags name, refuse the orders that name tags, leave gaps in the nodes'
//    histories, begin what is paused, deploy versions that must be proved first, and misread the settings that say so
// 7: an older Rackseed would take packs that are only in a bucket for lost; it would not know that the Secure Boot key is
// sealed, and might make another key for what is sealed; it would give orders to nodes that must prove by their TPM what
// they run
// 8: an older Rackseed would take mirrored versions for its own, whose signatures are not by its key; it would serve
// although another server has taken over
const SCHEMA_VERSION = 8;
export { SCHEMA_VERSION };
/** Every page of a database up to this size is checked when it is opened: at most half a second. */
const CHECKED_BYTES = 256 << 20;

/** The SQLite adapter of the port that the repositories see. */
class SqliteDatabase extends DatabaseSync implements Database {
  readonly engine = "sqlite";
}

/**
 * Opens or creates the database, for this process alone: two servers in one data directory would corrupt each other's
 * packs. Throws RackseedError if another process has it open, a later Rackseed wrote it, or it is damaged.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDatabase, transaction } from "./database.ts";
 *
 * using db = openDatabase(":memory:");
 * db.exec("CREATE TABLE t (n INTEGER)");
 * assert.throws(() =>
 *   transaction(db, () => {
 *     db.exec("INSERT INTO t VALUES (1)");
 *     throw new Error("no");
 *   })
 * );
 * assert.equal(db.prepare("SELECT count(*) AS n FROM t").get()?.n, 0);
 * ```
 */
export function openDatabase(path: string): SqliteDatabase {
  const db = new SqliteDatabase(path);
  let row: { user_version: number };
  try {
    db.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;`);
    row = db.prepare("PRAGMA user_version").get() as { user_version: number };
    checkPages(db, path);
  } catch (error) {
    db.close();
    throw openError(path, messageOf(error));
  }
  if (row.user_version > SCHEMA_VERSION) {
    db.close();
    throw laterRackseed(path, row.user_version);
  }
  try {
    migrate(db, { path, schema: row.user_version });
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** A copy of what the older Rackseed wrote is kept first. */
function migrate(db: DatabaseSync, { path, schema }: { path: string; schema: number }): void {
  // a full disk must not keep a server from starting
  if (schema >= SCHEMA_VERSION) return;
  const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_master").get() as { tables: number };
  if (tables > 0 && path !== ":memory:") copyBeforeMigration(db, { path, schema });
  db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
}

function laterRackseed(path: string, schema: number): RackseedError {
  const older = copiesOf(path).filter((copy) => copy <= SCHEMA_VERSION).at(-1);
  const goBack = older === undefined
    ? ""
    : ` To lose all that happened since its upgrade, put ${copyOf(path, older)} in its place.`;
  return new RackseedError(`cannot open the database ${path}`, {
    reason: `it was written by a later Rackseed (schema ${schema}, this one knows ${SCHEMA_VERSION}).`,
    remedy: `start the newer version again, or use another --data directory.${goBack}`,
  });
}

/** Throws if `PRAGMA quick_check` finds damage. */
function checkPages(db: DatabaseSync, path: string): void {
  if (path === ":memory:" || Deno.statSync(path).size > CHECKED_BYTES) return;
  const [found] = db.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  if (found?.quick_check !== "ok") throw new Error(found?.quick_check ?? "its check returned nothing");
}

function openError(path: string, message: string): RackseedError {
  const locked = message.includes("locked");
  return new RackseedError(`cannot open the database ${path}`, {
    reason: locked ? "another Rackseed server has it open." : `${message}. Nothing was changed.`,
    remedy: locked
      ? "stop that server, or give this one another --data directory."
      : restoreRemedy(path.slice(0, path.lastIndexOf("/"))),
  });
}

/** Runs `work` as one transaction: all of it is stored, or nothing. Not re-entrant. */
export function transaction<T>(db: Database, work: () => T): T {
  db.exec(db.engine === "sqlite" ? "BEGIN IMMEDIATE" : "BEGIN");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      db.exec("ROLLBACK");
    } catch {
      // SQLite has rolled back on its own, as it does on a full disk; only the first error matters
    }
    throw error;
  }
}
