/**
 * What happened to each node, for its timeline: kept longer than the records that each event comes from, of which there
 * is only the latest. An event has a `ref`, by which the same row is written again as it goes on.
 */
import type { Database, SqlValue } from "./engine.ts";
import { hasTable } from "./schema.ts";
import { HistoryEvent, type HistoryKind } from "#contract/api/node_history.ts";
import { backfillHistory } from "./node_history_backfill.ts";
import { Prepared } from "./prepared.ts";

/** Events that are kept of each node. */
const KEPT = 500;
/** Of those, boots: a machine that boots in a loop must not push out what was ordered. */
const KEPT_BOOTS = 100;
const MAX_DETAILS = 64;
const MAX_DETAIL = 400;

export interface StoredEvent {
  /** Orders the events; never given twice. */
  readonly number: number;
  readonly event: HistoryEvent;
}

export class NodeHistory {
  readonly #db: Database;
  readonly #prepared: Prepared;

  constructor(db: Database) {
    this.#db = db;
    this.#prepared = new Prepared(db);
    const isNew = !hasTable(db, "node_history");
    db.exec(`
      CREATE TABLE IF NOT EXISTS node_history (
        number INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL,
        at TEXT NOT NULL, event TEXT NOT NULL, UNIQUE (node, ref)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS node_history_of_node ON node_history (node, number);
    `);
    if (isNew) backfillHistory(db, (node, ref, event) => this.put(node, ref, event));
  }

  /** Adds the event, or writes the one with this `ref` again. `node`: its id. */
  put(node: string, ref: string, event: HistoryEvent): void {
    const kept = bounded(event), isBoot = event.kind === "boot";
    this.#run(
      `INSERT INTO node_history (node, ref, kind, at, event) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (node, ref) DO UPDATE SET kind = excluded.kind, at = excluded.at, event = excluded.event`,
      [node, ref, event.kind, event.at, JSON.stringify(kept)],
    );
    this.#run(
      `DELETE FROM node_history WHERE node = ?1 AND (kind = 'boot' OR ?3 = 0) AND number <= (
         SELECT number FROM node_history WHERE node = ?1 AND (kind = 'boot' OR ?3 = 0)
         ORDER BY number DESC LIMIT 1 OFFSET ?2)`,
      [node, isBoot ? KEPT_BOOTS : KEPT, isBoot ? 1 : 0],
    );
  }

  /** Changes an event; nothing if it is no longer kept. */
  change(node: string, ref: string, change: Partial<HistoryEvent>): void {
    const event = this.get(node, ref);
    if (event) this.put(node, ref, { ...event, ...change });
  }

  get(node: string, ref: string): HistoryEvent | undefined {
    const row = this.#prepared.get("SELECT event FROM node_history WHERE node = ? AND ref = ?").get(
      node,
      ref,
    );
    return row && eventOf(row);
  }

  /** Newest first. `before`: the number where the page before ended. */
  list(
    node: string,
    { before = Number.MAX_SAFE_INTEGER, limit }: { before: number | undefined; limit: number },
  ): StoredEvent[] {
    const rows = this.#prepared.get(
      "SELECT number, event FROM node_history WHERE node = ? AND number < ? ORDER BY number DESC LIMIT ?",
    ).all(node, before, limit);
    return rows.map((row) => ({ number: Number(row.number), event: eventOf(row) }));
  }

  /** Whether an event of one of these kinds began in this time, its ends included. */
  hasBetween(
    node: string,
    { from, to, kinds }: { from: string; to: string; kinds: readonly HistoryKind[] },
  ): boolean {
    const rows = this.#prepared.get("SELECT kind FROM node_history WHERE node = ? AND at >= ? AND at <= ?")
      .all(node, from, to) as { kind: HistoryKind }[];
    return rows.some(({ kind }) => kinds.includes(kind));
  }

  forget(node: string): void {
    this.#run("DELETE FROM node_history WHERE node = ?", [node]);
  }

  #run(sql: string, values: SqlValue[]): void {
    this.#prepared.get(sql).run(...values);
  }
}

function eventOf({ event }: Record<string, unknown>): HistoryEvent {
  return HistoryEvent.parse(JSON.parse(event as string));
}

function bounded({ details, ...event }: HistoryEvent): HistoryEvent {
  if (!details || details.length === 0) return event;
  return { ...event, details: details.slice(0, MAX_DETAILS).map((line) => line.slice(0, MAX_DETAIL)) };
}
