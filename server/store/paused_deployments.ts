/** Deployments that are paused: their nodes that have not begun are held. */
import type { Database } from "./engine.ts";
import type { DeploymentSummary } from "#contract/api.ts";

type Pause = NonNullable<DeploymentSummary["paused"]>;

export class PausedDeployments {
  readonly #db: Database;
  readonly #now: () => number;
  /** Asked at every boot and for every row of a list. */
  readonly #paused: Map<string, Pause>;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    db.exec(`CREATE TABLE IF NOT EXISTS pauses (
      deployment TEXT PRIMARY KEY, by TEXT NOT NULL, since TEXT NOT NULL, resumed TEXT) STRICT`);
    const rows = db.prepare("SELECT deployment, by, since FROM pauses WHERE resumed IS NULL")
      .all() as unknown as (Pause & { deployment: string })[];
    this.#paused = new Map(rows.map(({ deployment, by, since }) => [deployment, { by, since }]));
  }

  of(deployment: string): Pause | undefined {
    return this.#paused.get(deployment);
  }

  is(deployment: string): boolean {
    return this.#paused.has(deployment);
  }

  /** When it was last resumed; undefined if it never was. */
  resumedMs(deployment: string): number | undefined {
    const row = this.#db.prepare("SELECT resumed FROM pauses WHERE deployment = ?").get(deployment);
    return typeof row?.resumed === "string" ? Date.parse(row.resumed) : undefined;
  }

  begin(deployment: string, by: string): void {
    const since = new Date(this.#now()).toISOString();
    this.#db.exec("DELETE FROM pauses WHERE deployment NOT IN (SELECT deployment FROM assignments)");
    this.#db.prepare(
      `INSERT INTO pauses (deployment, by, since, resumed) VALUES (?, ?, ?, NULL)
       ON CONFLICT (deployment) DO UPDATE SET by = excluded.by, since = excluded.since, resumed = NULL`,
    ).run(deployment, by, since);
    this.#paused.set(deployment, { by, since });
  }

  end(deployment: string): void {
    this.#db.prepare("UPDATE pauses SET resumed = ? WHERE deployment = ?")
      .run(new Date(this.#now()).toISOString(), deployment);
    this.#paused.delete(deployment);
  }
}
