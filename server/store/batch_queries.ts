/** What is asked about deployments as a whole, over all their nodes. */
import type { Database } from "./engine.ts";
import type { StepReport } from "#contract/api.ts";
import type { Step } from "#contract/api/steps.ts";
import { BATCH_STATE } from "./deployment_list.ts";
import type { Assignment, AssignmentState } from "./assignment.ts";

/** How long a node was at a step that it finished. */
interface StepDuration extends Pick<Assignment, "node" | "state"> {
  readonly step: Step;
  readonly ms: number;
}

/** Of each deployment. */
interface Facts {
  parts(deployment: string): Assignment[];
  lastReport(part: Assignment): StepReport | undefined;
  /** "deployment", "restore" …; deployments of one kind are compared. */
  kindOf(deployment: string): string;
}

export class BatchQueries {
  readonly #db: Database;
  readonly #facts: Facts;

  constructor(db: Database, facts: Facts) {
    this.#db = db;
    this.#facts = facts;
  }

  /** Number of remembered deployments: with a node that installs, else an armed one, else a failed one, else done. */
  countByState(): Record<"installing" | "armed" | "failed" | "done", number> {
    const rows = this.#db.prepare(
      `SELECT state, count(*) AS n FROM (SELECT ${BATCH_STATE} AS state
         FROM assignments WHERE state <> 'cancelled' GROUP BY deployment) batches GROUP BY state`,
    ).all() as { state: "installing" | "armed" | "failed" | "done"; n: number }[];
    const counts = { installing: 0, armed: 0, failed: 0, done: 0 };
    for (const { state, n } of rows) counts[state] = n;
    return counts;
  }

  /** Number of its nodes by state. */
  countParts(deployment: string): Partial<Record<AssignmentState, number>> {
    const rows = this.#db.prepare(
      "SELECT state, count(*) AS n FROM assignments WHERE deployment = ? GROUP BY state",
    ).all(deployment) as { state: AssignmentState; n: number }[];
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
  }

  /** Its nodes that failed or were aborted, with their last report. */
  failures(deployment: string): (Assignment & { report?: StepReport | undefined })[] {
    return this.#facts.parts(deployment).filter(({ state }) => state === "failed" || state === "aborted")
      .map((part) => ({ ...part, report: this.#facts.lastReport(part) }));
  }

  /** How long the finished steps of its nodes took. */
  stepDurations(deployment: string): StepDuration[] {
    return this.#db.prepare(
      `SELECT a.node, a.state, r.step, json_extract(r.report, '$.elapsedMs') AS ms FROM assignments a
       JOIN reports r ON r.node = a.node AND r.deployment = a.deployment
       WHERE a.deployment = ? AND a.state <> 'cancelled' AND r.state = 'done'`,
    ).all(deployment).map(({ ms, ...row }) => ({ ...row, ms: Number(ms) })) as StepDuration[];
  }

  /** Ids of the latest deployments before this one, of the same image and kind, newest first. */
  earlier(deployment: string, { limit }: { limit: number }): string[] {
    const kind = this.#facts.kindOf(deployment);
    const rows = this.#db.prepare(
      `SELECT deployment FROM assignments WHERE state <> 'cancelled' AND deployment <> ?1
         AND image = (SELECT image FROM assignments WHERE deployment = ?1 LIMIT 1)
       GROUP BY deployment HAVING min(number) < (SELECT min(number) FROM assignments WHERE deployment = ?1)
       ORDER BY min(number) DESC`,
    );
    const found: string[] = [];
    for (const row of rows.iterate(deployment)) {
      const other = row.deployment as string;
      if (this.#facts.kindOf(other) !== kind) continue;
      if (found.push(other) >= limit) break;
    }
    return found;
  }

  /** The armed nodes whose own agent is to restart them into the installer, and since when. */
  restarting(): (Assignment & { readonly orderedMs: number })[] {
    const rows = this.#db.prepare(
      `SELECT a.deployment, a.node, a.image, a.version, a.state, a.created FROM assignments a
       JOIN restarts r ON r.deployment = a.deployment WHERE a.state = 'armed' ORDER BY a.number`,
    ).all() as unknown as (Assignment & { created: string })[];
    return rows.map(({ created, ...part }) => ({ ...part, orderedMs: Date.parse(created) }));
  }

  /** Ids of nodes whose running order is this version. */
  nodesWaitingFor({ image, version }: { image: string; version: number }): string[] {
    return this.#db.prepare(
      "SELECT node FROM assignments WHERE image = ? AND version = ? AND state IN ('armed', 'installing')",
    ).all(image, version).map(({ node }) => String(node));
  }
}
