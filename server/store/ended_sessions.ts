import type { Database, Statement } from "./engine.ts";

/** Ids of web page sessions that were logged out, kept until the sessions would have expired anyway. */
export class EndedSessions {
  readonly #put: Statement;
  readonly #has: Statement;
  readonly #forget: Statement;

  constructor(db: Database) {
    db.exec(
      "CREATE TABLE IF NOT EXISTS ended_sessions (id TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT",
    );
    this.#put = db.prepare("INSERT INTO ended_sessions VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#has = db.prepare("SELECT 1 FROM ended_sessions WHERE id = ?");
    this.#forget = db.prepare("DELETE FROM ended_sessions WHERE expires <= ?");
  }

  /** `expires`: seconds since 1970. */
  add(id: string, { expires, nowMs }: { expires: number; nowMs: number }): void {
    this.#forget.run(Math.floor(nowMs / 1000));
    this.#put.run(id, expires);
  }

  has(id: string): boolean {
    return this.#has.get(id) !== undefined;
  }
}
