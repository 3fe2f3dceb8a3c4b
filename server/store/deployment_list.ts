/** Deployments as a list: one row for each batch, counted by the states of its nodes. */
import type { Database } from "./engine.ts";
import { type DeploymentQuery, DeploymentSummary } from "#contract/api.ts";

export interface ListedDeployment {
  /** Orders the list; never given twice. */
  readonly key: string;
  readonly view: DeploymentSummary;
}

/** A batch's state, out of those of its nodes. */
export const BATCH_STATE = `CASE WHEN count(*) FILTER (WHERE state = 'installing') > 0 THEN 'installing'
  WHEN count(*) FILTER (WHERE state = 'armed') > 0 THEN 'armed'
  WHEN count(*) FILTER (WHERE state IN ('failed', 'aborted')) > 0 THEN 'failed'
  ELSE 'done' END`;

const COUNTED = ["armed", "installing", "installed", "running", "failed", "aborted"] as const;

const LIST = `
  SELECT listed.*, started, ended FROM (SELECT deployment, min(number) AS first, min(created) AS ordered,
    min(image) AS image, min(version) AS version, ${BATCH_STATE} AS batch,
    ${COUNTED.map((one) => `count(*) FILTER (WHERE state = '${one}') AS ${one}`).join(", ")}
  FROM assignments WHERE state <> 'cancelled' AND (CAST(:name AS TEXT) IS NULL OR image = :name)
    AND (CAST(:version AS INTEGER) IS NULL OR version = :version)
  GROUP BY deployment
  HAVING min(number) < :before AND (CAST(:state AS TEXT) IS NULL OR ${BATCH_STATE} = :state)
  ORDER BY min(number) DESC LIMIT :limit) listed
  LEFT JOIN batch_records ON batch_records.deployment = listed.deployment ORDER BY first DESC`;

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
  db: Database,
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
