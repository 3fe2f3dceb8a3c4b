/** How deployments went: their curves, kept after the end, and the figures by which they are compared. */
import type { Database } from "./engine.ts";
import { DeploymentCurve, DeploymentFigures } from "#contract/api.ts";

interface BatchRecord {
  /** ISO times: when the first node began, and when the last one was through. */
  readonly started: string;
  readonly ended?: string | undefined;
  readonly curve: DeploymentCurve;
}

interface Row {
  readonly started: string;
  readonly ended: string | null;
  readonly curve: string;
}

export class BatchRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS batch_records (
      deployment TEXT PRIMARY KEY, started TEXT NOT NULL, ended TEXT, curve TEXT NOT NULL, figures TEXT) STRICT`);
  }

  get(deployment: string): BatchRecord | undefined {
    const row = this.#db.prepare("SELECT started, ended, curve FROM batch_records WHERE deployment = ?")
      .get(deployment) as Row | undefined;
    if (!row) return undefined;
    const { started, ended, curve } = row;
    return { started, ...(ended !== null && { ended }), curve: DeploymentCurve.parse(JSON.parse(curve)) };
  }

  /** Ids of those that have begun and not ended. */
  open(): string[] {
    const rows = this.#db.prepare("SELECT deployment FROM batch_records WHERE ended IS NULL").all();
    return rows.map(({ deployment }) => deployment as string);
  }

  put(deployment: string, { started, ended, curve }: BatchRecord): void {
    this.#db.prepare(
      `INSERT INTO batch_records (deployment, started, ended, curve) VALUES (?, ?, ?, ?)
       ON CONFLICT (deployment) DO UPDATE SET started = excluded.started, ended = excluded.ended,
         curve = excluded.curve, figures = NULL`,
    ).run(deployment, started, ended ?? null, JSON.stringify(curve));
  }

  /** Drops records of deployments that are no longer remembered. */
  prune(): void {
    this.#db.exec("DELETE FROM batch_records WHERE deployment NOT IN (SELECT deployment FROM assignments)");
  }

  /** Those of a deployment that has ended; undefined if they have not been worked out. */
  figures(deployment: string): DeploymentFigures | undefined {
    const row = this.#db.prepare("SELECT figures FROM batch_records WHERE deployment = ?").get(deployment);
    return typeof row?.figures === "string" ? DeploymentFigures.parse(JSON.parse(row.figures)) : undefined;
  }

  keepFigures(figures: DeploymentFigures): void {
    this.#db.prepare("UPDATE batch_records SET figures = ? WHERE deployment = ? AND ended IS NOT NULL")
      .run(JSON.stringify(figures), figures.id);
  }
}
