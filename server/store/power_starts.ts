/** The starts that deployments ordered of their nodes, so that a server that was restarted goes on with them. */
import type { Database } from "./engine.ts";
import { PowerTerms, PowerView } from "#contract/api/power.ts";

type StartView = NonNullable<PowerView["start"]>;

export interface PowerStart {
  readonly deployment: string;
  readonly terms: PowerTerms;
  readonly view: StartView;
}

interface Row {
  readonly node: string;
  readonly deployment: string;
  readonly terms: string;
  readonly view: string;
}

const View = PowerView.shape.start.unwrap();

export class PowerStarts {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    // SQLite numbers rows on its own
    const number = db.engine === "sqlite" ? "" : ", rowid INTEGER GENERATED ALWAYS AS IDENTITY";
    db.exec(`CREATE TABLE IF NOT EXISTS power_starts (
      node TEXT PRIMARY KEY, deployment TEXT NOT NULL, terms TEXT NOT NULL, view TEXT NOT NULL${number}
    ) STRICT`);
  }

  /** By the nodes' ids. */
  all(): Map<string, PowerStart> {
    const rows = this.#db.prepare("SELECT * FROM power_starts ORDER BY rowid").all() as unknown as Row[];
    return new Map(rows.map(({ node, deployment, terms, view }) => [node, {
      deployment,
      terms: PowerTerms.parse(JSON.parse(terms)),
      view: View.parse(JSON.parse(view)),
    }]));
  }

  put(node: string, { deployment, terms, view }: PowerStart): void {
    this.#db.prepare(
      `INSERT INTO power_starts (node, deployment, terms, view) VALUES (?, ?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET deployment = excluded.deployment, terms = excluded.terms,
         view = excluded.view`,
    ).run(node, deployment, JSON.stringify(terms), JSON.stringify(view));
  }

  forget(node: string): void {
    this.#db.prepare("DELETE FROM power_starts WHERE node = ?").run(node);
  }
}
