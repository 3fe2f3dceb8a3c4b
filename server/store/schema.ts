/** What the engines have no common SQL for: what a database consists of, and triggers. */
import type { Database } from "./engine.ts";

/** What a trigger does for each row: either `body`, statements that end with ";", or `refuse` with this message. */
interface Trigger {
  readonly event: `${"BEFORE" | "AFTER"} ${"INSERT" | "UPDATE" | "DELETE"}`;
  readonly table: string;
  readonly when?: string;
  readonly body?: string;
  readonly refuse?: string;
}

export function hasTable(db: Database, name: string): boolean {
  const sql = db.engine === "sqlite"
    ? "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    : "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?";
  return db.prepare(sql).get(name) !== undefined;
}

export function columnsOf(db: Database, table: string): string[] {
  const sql = db.engine === "sqlite"
    ? "SELECT name FROM pragma_table_info(?)"
    : `SELECT column_name AS name FROM information_schema.columns
       WHERE table_schema = current_schema() AND table_name = ?`;
  return db.prepare(sql).all(table).map(({ name }) => String(name));
}

export function hasTrigger(db: Database, name: string): boolean {
  const sql = db.engine === "sqlite"
    ? "SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?"
    : `SELECT 1 FROM information_schema.triggers
       WHERE trigger_schema = current_schema() AND trigger_name = ?`;
  return db.prepare(sql).get(name) !== undefined;
}

/** Makes the trigger unless there is one of that name. */
export function makeTrigger(db: Database, name: string, trigger: Trigger): void {
  db.exec(db.engine === "sqlite" ? sqliteTrigger(name, trigger) : postgresTrigger(name, trigger));
}

export function dropTrigger(db: Database, name: string, { table }: { table: string }): void {
  db.exec(`DROP TRIGGER IF EXISTS ${name}${db.engine === "sqlite" ? "" : ` ON ${table}`}`);
}

function sqliteTrigger(name: string, { event, table, when, body, refuse }: Trigger): string {
  return `CREATE TRIGGER IF NOT EXISTS ${name} ${event} ON ${table} ${when ? `WHEN ${when}` : ""}
    BEGIN ${body ?? `SELECT RAISE(ABORT, '${refuse}');`} END`;
}

/** The condition is in the function: PostgreSQL allows no subquery in WHEN. */
function postgresTrigger(name: string, { event, table, when, body, refuse }: Trigger): string {
  return `CREATE OR REPLACE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF ${when ?? "true"} THEN ${body ?? `RAISE EXCEPTION '${refuse}';`} END IF; RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER ${name} ${event} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`;
}
