/** Opens a PostgreSQL database as the store of one server. */
import { RackseedError } from "#contract/errors.ts";
import { PostgresDatabase } from "./database.ts";

/** In every PostgreSQL server: one Rackseed server at a time holds it ("rack", in ASCII). */
const LOCK = 0x7261_636b;

/** The JSON functions of SQLite that the store uses; immutable, so that a generated column may use them. */
const FUNCTIONS = `
  CREATE OR REPLACE FUNCTION json_extract(document TEXT, path TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE
    AS $$ SELECT jsonb_path_query_first(document::jsonb, path::jsonpath) #>> '{}' $$;
  CREATE OR REPLACE FUNCTION json_each(document TEXT, path TEXT) RETURNS TABLE (value TEXT) LANGUAGE sql IMMUTABLE
    AS $$ SELECT jsonb_array_elements_text(jsonb_path_query_first(document::jsonb, path::jsonpath)) $$;
`;

/**
 * `where`: as PostgresDatabase takes it. Tables are in the connection's current schema. Throws RackseedError if the
 * database cannot be reached, another server has it, or a later Rackseed wrote it.
 */
export function openPostgres(where: string, { schemaVersion }: { schemaVersion: number }): PostgresDatabase {
  const db = new PostgresDatabase(where);
  try {
    lock(db);
    db.exec(FUNCTIONS);
    migrate(db, schemaVersion);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** PostgreSQL releases it when the connection ends. One for each schema. */
function lock(db: PostgresDatabase): void {
  const row = db.prepare("SELECT pg_try_advisory_lock(?, hashtext(current_schema())) AS locked").get(LOCK);
  if (row?.locked === 1) return;
  throw new RackseedError("cannot open the PostgreSQL database", {
    reason: "another Rackseed server has it open.",
    remedy: "stop that server, or give this one another database.",
  });
}

function migrate(db: PostgresDatabase, schemaVersion: number): void {
  db.exec(
    "CREATE TABLE IF NOT EXISTS rackseed_schema (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL)",
  );
  const known = Number(db.prepare("SELECT version FROM rackseed_schema").get()?.version ?? 0);
  if (known > schemaVersion) {
    throw new RackseedError("cannot open the PostgreSQL database", {
      reason: `it was written by a later Rackseed (schema ${known}, this one knows ${schemaVersion}).`,
      remedy: "start the newer version again, or use another database.",
    });
  }
  db.prepare(
    "INSERT INTO rackseed_schema VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version",
  ).run(schemaVersion);
}
