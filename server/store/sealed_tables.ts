/** The tables that hold values sealed with keys/secrets.key. */
import type { DatabaseSync } from "node:sqlite";

const SEALED_TABLES = ["encryptions", "webhooks", "schedules", "every_boots"] as const;

/** Whether any of them holds a row: a new key would then open none of it. */
export function holdsSealed(db: DatabaseSync): boolean {
  return SEALED_TABLES.some((table) => {
    const exists = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table);
    return exists !== undefined && db.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined;
  });
}
