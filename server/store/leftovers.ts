import type { Database, Statement } from "./engine.ts";
import { z } from "zod";
import { isDiskFull } from "./store_error.ts";

/** A file or folder that is useless if its row is still there after a crash. */
export interface Leftover {
  /** Relative to the data directory, so that a copied directory does not point back at the original. */
  readonly path: string;
  /** It may be removed only if all of these exist, because they hold the same content. */
  readonly parts: readonly string[];
}

const Row = z.object({ path: z.string(), parts: z.string() });

/**
 * What the store is about to publish or remove. A row is written before the file system changes, so after a crash the
 * store recognises its own leftovers, and never removes a file only because no table names it.
 */
export class Leftovers {
  readonly #insert: Statement;
  readonly #list: Statement;
  readonly #delete: Statement;

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS leftover (
      path TEXT PRIMARY KEY, parts TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`);
    this.#insert = db.prepare(
      "INSERT INTO leftover VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET parts = excluded.parts",
    );
    this.#list = db.prepare("SELECT path, parts FROM leftover");
    this.#delete = db.prepare("DELETE FROM leftover WHERE path = ?");
  }

  add(paths: readonly string[], { parts = [] }: { parts?: readonly string[] } = {}): void {
    for (const path of paths) this.#insert.run(path, JSON.stringify(parts));
  }

  list(): Leftover[] {
    return z.array(Row).parse(this.#list.all()).map(({ path, parts }) => ({
      path,
      parts: z.array(z.string()).parse(JSON.parse(parts)),
    }));
  }

  /** The paths are removed, or in use. On a full disk the rows stay until the next start. */
  forgetIfRoom(paths: readonly string[]): void {
    try {
      this.forget(paths);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  forget(paths: readonly string[]): void {
    for (const path of paths) this.#delete.run(path);
  }
}
