/** Deployments as a list: one row for each batch, counted by the states of its nodes. */
import type { DatabaseSync } from "node:sqlite";
import { type DeploymentQuery, DeploymentSummary } from "#contract/api.ts";

export interface ListedDeployment {
  /** Orders the list; never given twice. */
  readonly key: string;
  readonly view: DeploymentSummary;
}

/** A batch's state, out of those of its nodes. */
export const BATCH_STATE = `CASE WHEN sum(state = 'installing') > 0 THEN 'installing'
  WHEN sum(state = 'armed') > 0 THEN 'armed' WHEN sum(state IN ('failed', 'aborted')) > 0 THEN 'failed'
  ELSE 'done' END`;

const LIST = `
  SELECT listed.*, started, ended FROM (SELECT deployment, min(number) AS first, min(created) AS ordered, image, version, ${BATCH_STATE} AS batch,
    sum(state = 'armed') AS armed, sum(state = 'installing') AS installing, sum(state = 'installed') AS installed,
    sum(state = 'running') AS running, sum(state = 'failed') AS failed, sum(state = 'aborted') AS aborted
  FROM assignments WHERE state <> 'cancelled' AND (:name IS NULL OR image = :name)
    AND (:version IS NULL OR version = :version)
  GROUP BY deployment
  HAVING min(number) < :before AND (:state IS NULL OR ${BATCH_STATE} = :state)
  ORDER BY min(number) DESC LIMIT :limit) listed
  LEFT JOIN batch_records ON batch_records.deployment = listed.deployment ORDER BY first DESC`;

const COUNTED = ["armed", "installing", "installed", "running", "failed", "aborted"] as const;

interface Row extends Record<typeof COUNTED[number], number> {
  readonly deployment: string;
  readonly first: number;
  readonly ordered: string;
  readonly image: string;
  readonly version: number;
  readonly batch: DeploymentSummary["state"];
  readonly started: string | null;
  readonly ended: string | null;
}

/** Newest first, at most one more than the limit. `before`: the key where the page before ended. */
export function listDeployments(
  db: DatabaseSync,
  { limit = 100, state, image }: DeploymentQuery,
  { before, aboutOf }: {
    before: string | undefined;
    aboutOf: (deployment: string) => Pick<DeploymentSummary, "kind" | "by" | "paused">;
  },
): ListedDeployment[] {
  const [name, version] = image?.split("@") ?? [];
  const rows = db.prepare(LIST).all({
    name: name ?? null,
    version: version === undefined ? null : Number(version),
    state: state ?? null,
    before: /^\d{1,15}$/.test(before ?? "") ? Number(before) : Number.MAX_SAFE_INTEGER,
    limit: limit + 1,
  }) as unknown as Row[];
  return rows.map((row) => ({
    key: String(row.first),
    view: {
      id: row.deployment,
      ...aboutOf(row.deployment),
      image: `${row.image}@${row.version}`,
      created: row.ordered,
      state: row.batch,
      ...(row.started !== null && { started: row.started }),
      ...(row.ended !== null && { ended: row.ended }),
      nodes: Object.fromEntries(COUNTED.filter((one) => row[one] > 0).map((one) => [one, row[one]])),
    },
  }));
}
