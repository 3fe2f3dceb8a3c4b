/** Each node's latest check and newest result, by node id. */
import type { Database, Statement } from "./engine.ts";
import { z } from "zod";
import { CheckOrder, type CheckProgress, CheckResult, CheckView, DriftView } from "#contract/api/checks.ts";
import { NodeHistory } from "./node_history.ts";

/** A check as it is stored: what the agent is told, and how far it is. */
const StoredCheck = CheckView.omit({ result: true, progress: true }).extend({
  order: CheckOrder,
  threshold: DriftView.shape.threshold,
  /** How often the agent was given it. */
  given: z.int().min(0),
});
export type StoredCheck = z.infer<typeof StoredCheck>;

const StoredDrift = DriftView.extend(CheckResult.shape);
type StoredDrift = z.infer<typeof StoredDrift>;

interface Row {
  readonly latest: string;
  readonly counts: string | null;
}

interface OpenRow {
  readonly node: string;
  readonly latest: string;
}

/** A check that is not over. `node`: its id. */
interface OpenCheck {
  readonly node: string;
  readonly check: StoredCheck;
}

export class NodeChecks {
  readonly #history: NodeHistory;
  readonly #put: Statement;
  readonly #complete: Statement;
  readonly #find: Statement;
  readonly #result: Statement;
  readonly #forget: Statement;
  readonly #open: Statement;
  readonly #openById: Statement;
  /** What every view of a node shows, parsed once. */
  readonly #views = new Map<string, CheckView | undefined>();

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS node_checks (
      node TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, latest TEXT NOT NULL, is_open INTEGER NOT NULL, counts TEXT,
      result TEXT
    ) STRICT`);
    this.#history = new NodeHistory(db);
    this.#put = db.prepare(
      `INSERT INTO node_checks (node, id, latest, is_open) VALUES (?, ?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET id = excluded.id, latest = excluded.latest, is_open = excluded.is_open`,
    );
    this.#complete = db.prepare(
      "UPDATE node_checks SET latest = ?2, is_open = 0, counts = ?3, result = ?4 WHERE node = ?1",
    );
    this.#find = db.prepare("SELECT latest, counts FROM node_checks WHERE node = ?");
    this.#result = db.prepare("SELECT result FROM node_checks WHERE node = ?");
    this.#forget = db.prepare("DELETE FROM node_checks WHERE node = ?");
    this.#open = db.prepare("SELECT node, latest FROM node_checks WHERE is_open = 1");
    this.#openById = db.prepare("SELECT node, latest FROM node_checks WHERE id = ? AND is_open = 1");
  }

  /** The node's latest check. */
  find(node: string): StoredCheck | undefined {
    const row = this.#find.get(node) as unknown as Row | undefined;
    return row && StoredCheck.parse(JSON.parse(row.latest));
  }

  /** Those that are not over. */
  open(): OpenCheck[] {
    return (this.#open.all() as unknown as OpenRow[]).map(openCheck);
  }

  /** The check with this id, if it is not over. */
  openById(id: string): OpenCheck | undefined {
    const row = this.#openById.get(id) as unknown as OpenRow | undefined;
    return row && openCheck(row);
  }

  /** Stores the latest check; the newest result stays. */
  put(node: string, check: StoredCheck): void {
    const isOpen = check.state === "waiting" || check.state === "running";
    this.#put.run(node, check.id, JSON.stringify(check), isOpen ? 1 : 0);
    this.#note(node, check, []);
    this.#views.delete(node);
  }

  /** How far the latest check is; not stored. */
  note(node: string, progress: CheckProgress): void {
    const view = this.view(node);
    if (view) this.#views.set(node, { ...view, progress });
  }

  /** Stores the end of the latest check, with its result. */
  complete(node: string, { check, result }: { check: StoredCheck; result: StoredDrift }): void {
    const counts = DriftView.parse(result), { changed, missing, foreign } = result;
    this.#note(node, check, [`${changed} changed, ${missing} missing, ${foreign} foreign`]);
    this.#complete.run(node, JSON.stringify(check), JSON.stringify(counts), JSON.stringify(result));
    this.#views.delete(node);
  }

  /** What is shown with the node; undefined if it was not checked since it was installed. */
  view(node: string): CheckView | undefined {
    if (!this.#views.has(node)) this.#views.set(node, this.#read(node));
    return this.#views.get(node);
  }

  #note(node: string, { id, order, state, ordered, ended, problem }: StoredCheck, details: string[]): void {
    this.#history.put(node, `check ${id}`, {
      kind: "check",
      at: ordered,
      result: state,
      image: `${order.image}@${order.version}`,
      details,
      ...ended !== undefined && { ended },
      ...problem && { problem },
    });
  }

  #read(node: string): CheckView | undefined {
    const row = this.#find.get(node) as unknown as Row | undefined;
    if (row === undefined) return undefined;
    const latest = CheckView.parse(JSON.parse(row.latest));
    return { ...latest, ...(row.counts !== null && { result: DriftView.parse(JSON.parse(row.counts)) }) };
  }

  /** The newest result with its list. */
  result(node: string): StoredDrift | undefined {
    const row = this.#result.get(node) as { result: string | null } | undefined;
    return row?.result === undefined || row.result === null
      ? undefined
      : StoredDrift.parse(JSON.parse(row.result));
  }

  forget(node: string): void {
    this.#forget.run(node);
    this.#views.delete(node);
  }
}

function openCheck({ node, latest }: OpenRow): OpenCheck {
  return { node, check: StoredCheck.parse(JSON.parse(latest)) };
}
