/**
 * Empty databases for tests: SQLite's in memory, or in PostgreSQL if STORE_TEST_POSTGRES says where one runs, as
 * test/interop/postgres_store_test.ts does.
 */
import { openDatabase, SCHEMA_VERSION } from "../database.ts";
import type { Database } from "../engine.ts";
import { PostgresDatabase } from "./postgres/database.ts";
import { openPostgres } from "./postgres/open.ts";

const server = Deno.env.get("STORE_TEST_POSTGRES");
/** What tests SQLite's own ways is skipped there. */
export const ON_POSTGRES = server !== undefined;

export function emptyDatabase(): Database {
  if (server === undefined) return openDatabase(":memory:");
  const schema = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  {
    using db = new PostgresDatabase(server);
    db.exec(`CREATE SCHEMA ${schema}`);
  }
  return openPostgres(`${server} options='-c search_path=${schema}'`, { schemaVersion: SCHEMA_VERSION });
}
