import type { Database, Statement } from "./engine.ts";
import { CaptureView } from "#contract/api.ts";
import { CaptureHistory } from "./capture_history.ts";

/** Number of captures that are remembered; versions of older ones stay. */
const KEPT = 200;

/** Running and finished captures. */
export class Captures {
  readonly #save: Statement;
  readonly #prune: Statement;
  readonly #list: Statement;
  readonly #history: CaptureHistory;

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS capture (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, view TEXT NOT NULL
    ) STRICT`);
    this.#save = db.prepare(
      "INSERT INTO capture (id, view) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET view = excluded.view",
    );
    this.#prune = db.prepare(
      `DELETE FROM capture WHERE number <= (SELECT max(number) FROM capture) - ${KEPT}`,
    );
    this.#list = db.prepare("SELECT view FROM capture ORDER BY number");
    this.#history = new CaptureHistory(db);
  }

  save(view: CaptureView): void {
    this.#save.run(view.id, JSON.stringify(view));
    this.#prune.run();
    this.#history.note(view);
  }

  /** Oldest first. */
  list(): CaptureView[] {
    return this.#list.all().map(({ view }) => CaptureView.parse(JSON.parse(view as string)));
  }
}
