/**
 * The log of nodes' reports, step by step. A running step has one row, rewritten only when its state changes: progress
 * is not history. The log is bounded for each node's part of a deployment.
 */
import type { Database, Statement } from "./engine.ts";
import { StepReport } from "#contract/api.ts";

interface Part {
  readonly deployment: string;
  readonly node: string;
}

interface Row {
  readonly number: number;
  readonly step: string;
  readonly state: string;
  readonly report: string;
}

const MAX_REPORTS = 200;

export class ReportLog {
  readonly #db: Database;
  readonly #last: Statement;
  readonly #replace: Statement;
  readonly #insert: Statement;
  readonly #trim: Statement;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS reports (
        number INTEGER PRIMARY KEY AUTOINCREMENT, deployment TEXT NOT NULL, node TEXT NOT NULL,
        step TEXT NOT NULL, state TEXT NOT NULL, report TEXT NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS reports_of_node ON reports (node, deployment, number);
    `);
    this.#last = db.prepare(
      `SELECT number, step, state, report FROM reports WHERE node = ? AND deployment = ?
       ORDER BY number DESC LIMIT 1`,
    );
    this.#replace = db.prepare("DELETE FROM reports WHERE number = ?");
    this.#insert = db.prepare(
      "INSERT INTO reports (deployment, node, step, state, report) VALUES (?, ?, ?, ?, ?)",
    );
    this.#trim = db.prepare(
      `DELETE FROM reports WHERE node = ?1 AND deployment = ?2 AND number <= (SELECT number FROM reports
        WHERE node = ?1 AND deployment = ?2 ORDER BY number DESC LIMIT 1 OFFSET ${MAX_REPORTS})`,
    );
  }

  /** Drops a repeated "running" of the running step, and stores a repeated report once. */
  append({ deployment, node }: Part, report: StepReport): void {
    const last = this.#last.get(node, deployment) as Row | undefined;
    const continues = last?.step === report.step && last.state === "running";
    if (continues && report.state === "running") return;
    const repeats = last?.step === report.step && last.state === report.state;
    if (last && (continues || repeats)) this.#replace.run(last.number);
    this.#insert.run(deployment, node, report.step, report.state, JSON.stringify(report));
    this.#trim.run(node, deployment);
  }

  /** Oldest first. */
  list({ deployment, node }: Part): StepReport[] {
    const rows = this.#db.prepare(
      "SELECT report FROM reports WHERE node = ? AND deployment = ? ORDER BY number",
    ).all(node, deployment) as { report: string }[];
    return rows.map((row) => reportOf(row.report));
  }

  /** The finished steps of all nodes of a deployment. */
  done(deployment: string): { node: string; report: StepReport }[] {
    const rows = this.#db.prepare(
      "SELECT node, report FROM reports WHERE deployment = ? AND state = 'done' ORDER BY number",
    ).all(deployment) as { node: string; report: string }[];
    // they were checked on arrival, and there may be a hundred thousand
    return rows.map(({ node, report }) => ({ node, report: JSON.parse(report) as StepReport }));
  }

  last({ deployment, node }: Part): StepReport | undefined {
    const row = this.#last.get(node, deployment) as Row | undefined;
    return row && reportOf(row.report);
  }

  /** Of one deployment, or of all. */
  forget({ deployment, node }: { node: string; deployment?: string }): void {
    if (deployment === undefined) this.#db.prepare("DELETE FROM reports WHERE node = ?").run(node);
    else this.#db.prepare("DELETE FROM reports WHERE node = ? AND deployment = ?").run(node, deployment);
  }
}

/** Earlier releases reported one disk. */
function reportOf(json: string): StepReport {
  const { disk, ...report } = JSON.parse(json);
  return StepReport.parse(disk === undefined ? report : { disks: [{ layoutDisk: 0, ...disk }], ...report });
}
