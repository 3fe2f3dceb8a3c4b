/** The tables that hold values sealed with keys/secrets.key. */
import type { Database } from "./engine.ts";
import { hasTable } from "./schema.ts";

/** Table → which of its rows hold a sealed value. */
const SEALED_TABLES = {
  encryptions: "TRUE",
  webhooks: "TRUE",
  power: "secret IS NOT NULL",
  schedules: "passphrase IS NOT NULL",
  every_boots: "passphrase IS NOT NULL",
  secure_boot: "TRUE",
} as const;

/** Whether any of them holds such a row: a new key would then open none of it. */
export function holdsSealed(db: Database): boolean {
  return Object.entries(SEALED_TABLES).some(([table, rows]) => {
    if (!hasTable(db, table)) return false;
    return db.prepare(`SELECT 1 FROM ${table} WHERE ${rows} LIMIT 1`).get() !== undefined;
  });
}
