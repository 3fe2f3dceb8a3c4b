/** Whether anything is sealed with the key of the stored secrets: a new key would then open none of it. */
import type { DatabaseSync } from "node:sqlite";

/** Table → which of its rows hold something sealed. */
const SEALED = { encryptions: "TRUE", power: "secret IS NOT NULL" } as const;

export function isAnythingSealed(db: DatabaseSync): boolean {
  const exists = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return Object.entries(SEALED).some(([table, rows]) =>
    exists.get(table) !== undefined &&
    db.prepare(`SELECT 1 FROM ${table} WHERE ${rows} LIMIT 1`).get() !== undefined
  );
}
