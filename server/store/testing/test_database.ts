/**
 * Databases for tests: SQLite's, or in PostgreSQL if STORE_TEST_POSTGRES says where one runs, as
 * test/interop/postgres_store_test.ts does.
 */
import { createHash } from "node:crypto";
import { openDatabase, SCHEMA_VERSION } from "../database.ts";
import type { Database } from "../engine.ts";
import { PostgresDatabase } from "../postgres/database.ts";
import { openPostgres } from "../postgres/open.ts";

const server = Deno.env.get("STORE_TEST_POSTGRES");
/** What tests SQLite's own ways is skipped there. */
export const ON_POSTGRES = server !== undefined;

export function emptyDatabase(): Database {
  return server === undefined ? openDatabase(":memory:") : inPostgres(server, crypto.randomUUID());
}

/** The database with this path: the same one each time. */
export function databaseAt(path: string): Database {
  return server === undefined ? openDatabase(path) : inPostgres(server, path);
}

function inPostgres(server: string, name: string): Database {
  const schema = `test_${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
  {
    using db = new PostgresDatabase(server);
    db.exec(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  }
  return openPostgres(`${server} options='-c search_path=${schema}'`, { schemaVersion: SCHEMA_VERSION });
}
