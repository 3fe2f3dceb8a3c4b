/**
 * Which server of a site is the one that decides: each take-over by a standby begins an epoch, and a server that learns
 * of a later epoch than its own stops.
 */
import type { Database } from "./engine.ts";
import type { TakeOver } from "#contract/api/standbys.ts";

/** Of a site whose first server never failed. */
const FIRST = 1;

export class Epochs {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS epoch (
      number INTEGER PRIMARY KEY, began TEXT NOT NULL, heard TEXT NOT NULL, standby TEXT NOT NULL, of TEXT NOT NULL
    ) STRICT`);
  }

  get current(): number {
    return this.last()?.epoch ?? FIRST;
  }

  /** The last take-over; undefined if there was none. */
  last(): TakeOver | undefined {
    const row = this.#db.prepare(
      "SELECT number AS epoch, began, heard, standby, of FROM epoch ORDER BY number DESC LIMIT 1",
    ).get();
    return row && { ...row } as unknown as TakeOver;
  }

  begin({ epoch, began, heard, standby, of }: TakeOver): void {
    this.#db.prepare("INSERT INTO epoch (number, began, heard, standby, of) VALUES (?, ?, ?, ?, ?)")
      .run(epoch, began, heard, standby, of);
  }
}
