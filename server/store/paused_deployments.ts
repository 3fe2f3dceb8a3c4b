/** Deployments that are paused: their nodes that have not begun are held. */
import type { DatabaseSync } from "node:sqlite";
import type { DeploymentSummary } from "#contract/api.ts";

type Pause = NonNullable<DeploymentSummary["paused"]>;

export class PausedDeployments {
  readonly #db: DatabaseSync;
  readonly #now: () => number;
  /** Asked at every boot and for every row of a list. */
  readonly #paused: Map<string, Pause>;

  constructor(db: DatabaseSync, { now }: { now: () => number }) {
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
    this.#db.prepare("INSERT OR REPLACE INTO pauses (deployment, by, since, resumed) VALUES (?, ?, ?, NULL)")
      .run(deployment, by, since);
    this.#paused.set(deployment, { by, since });
  }

  end(deployment: string): void {
    this.#db.prepare("UPDATE pauses SET resumed = ? WHERE deployment = ?")
      .run(new Date(this.#now()).toISOString(), deployment);
    this.#paused.delete(deployment);
  }
}
