/** The record of who was shown a recovery key: rows are added, never changed or deleted, not even with their node. */
import type { Database } from "./engine.ts";
import { makeTrigger } from "./schema.ts";
import type { RecoveryKeyUse } from "#contract/api.ts";

interface NewUse extends Omit<RecoveryKeyUse, "at"> {
  /** Id and name of the node. */
  readonly node: string;
  readonly name: string;
  /** The deployment that the key was made for. */
  readonly keyFrom: string;
}

export class RecoveryKeyUses {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`
      CREATE TABLE IF NOT EXISTS recovery_key_uses (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, who TEXT NOT NULL, node TEXT NOT NULL,
        name TEXT NOT NULL, key_from TEXT NOT NULL, image TEXT NOT NULL, reason TEXT
      ) STRICT;
    `);
    const table = "recovery_key_uses", refuse = "this record is only added to";
    makeTrigger(db, "recovery_key_uses_unchanged", { event: "BEFORE UPDATE", table, refuse });
    makeTrigger(db, "recovery_key_uses_undeleted", { event: "BEFORE DELETE", table, refuse });
  }

  add({ who, node, name, keyFrom, image, reason }: NewUse): void {
    this.#db.prepare(
      "INSERT INTO recovery_key_uses (at, who, node, name, key_from, image, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ).run(new Date(this.#now()).toISOString(), who, node, name, keyFrom, image, reason ?? null);
  }

  /** When the key of that deployment was first shown. */
  firstOf({ node, keyFrom }: { node: string; keyFrom: string }): string | undefined {
    const row = this.#db.prepare(
      "SELECT at FROM recovery_key_uses WHERE node = ? AND key_from = ? ORDER BY number LIMIT 1",
    ).get(node, keyFrom) as { at: string } | undefined;
    return row?.at;
  }

  /** Of the node with this id, oldest first. */
  list(node: string): RecoveryKeyUse[] {
    const rows = this.#db.prepare(
      "SELECT at, who, image, reason FROM recovery_key_uses WHERE node = ? ORDER BY number",
    ).all(node) as unknown as (Omit<RecoveryKeyUse, "reason"> & { reason: string | null })[];
    return rows.map(({ at, who, image, reason }) => ({ at, who, image, ...(reason !== null && { reason }) }));
  }
}
