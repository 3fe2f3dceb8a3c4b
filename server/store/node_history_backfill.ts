/** Begins the nodes' histories with what the tables of earlier releases still have. */
import type { Database } from "./engine.ts";
import { hasTable } from "./schema.ts";
import { HistoryEvent } from "#contract/api/node_history.ts";

type Put = (node: string, ref: string, event: HistoryEvent) => void;

interface Found {
  readonly node: string;
  readonly ref: string;
  readonly event: unknown;
}

const ASSIGNMENT_RESULTS: Readonly<Record<string, HistoryEvent["result"]>> = {
  armed: "waiting",
  installing: "running",
  installed: "done",
  running: "done",
  failed: "failed",
  aborted: "cancelled",
  cancelled: "cancelled",
};

/** What cannot be read is left out: it is gone from the timeline, and from nothing else. */
export function backfillHistory(db: Database, put: Put): void {
  const found = [...assignments(db), ...hardware(db), ...checks(db)].flatMap(({ node, ref, event }) => {
    const { data } = HistoryEvent.safeParse(event);
    return data ? [{ node, ref, event: data }] : [];
  });
  for (const { node, ref, event } of found.sort((a, b) => a.event.at < b.event.at ? -1 : 1)) {
    put(node, ref, event);
  }
}

function assignments(db: Database): Found[] {
  const terms = (table: string) =>
    hasTable(db, table)
      ? new Map(
        db.prepare(`SELECT deployment, terms FROM ${table}`).all()
          .map(({ deployment, terms }) => [deployment as string, JSON.parse(terms as string)]),
      )
      : new Map();
  const restores = terms("restores"), backups = terms("backups"), discoveries = terms("discoveries");
  return rowsOf(db, "assignments").map((row) => {
    const deployment = String(row.deployment);
    const restore = restores.get(deployment);
    const kind = backups.has(deployment)
      ? "backup"
      : discoveries.has(deployment)
      ? "discovery"
      : restore
      ? restore.dryRun ? "dry-run" : "restore"
      : "deployment";
    return {
      node: String(row.node),
      ref: deployment,
      event: {
        kind,
        at: row.created,
        result: ASSIGNMENT_RESULTS[String(row.state)],
        image: `${row.image}@${row.version}`,
        deployment,
      },
    };
  });
}

function hardware(db: Database): Found[] {
  return rowsOf(db, "hardware").map(({ number, node, at, changes }) => ({
    node: String(node),
    ref: `hardware ${number}`,
    event: { kind: "hardware", at, result: "done", details: JSON.parse(String(changes)) },
  })).filter(({ event }) => event.details.length > 0);
}

function checks(db: Database): Found[] {
  return rowsOf(db, "node_checks").map(({ node, id, latest }) => {
    const { ordered, state, ended, problem, order } = JSON.parse(String(latest));
    const event = { kind: "check", at: ordered, result: state, ended, problem };
    return {
      node: String(node),
      ref: `check ${id}`,
      event: { ...event, ...order && { image: `${order.image}@${order.version}` } },
    };
  });
}

function rowsOf(db: Database, table: string): Record<string, unknown>[] {
  return hasTable(db, table) ? db.prepare(`SELECT * FROM ${table}`).all() : [];
}
