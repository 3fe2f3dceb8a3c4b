/**
 * The audit log: what each action was before it began, and how it ended. Lines are added, never changed or deleted,
 * and chained by their hashes (#contract/audit_chain.ts). Every line also goes to the server's log with its number
 * and hash, so that a copy of that log elsewhere shows whether this one was rewritten.
 */
import { getLogger } from "@logtape/logtape";
import type { Database, Statement } from "./engine.ts";
import { hasTable, makeTrigger } from "./schema.ts";
import {
  AuditEntry,
  type AuditLine,
  type AuditPage,
  type AuditQuery,
  type AuditResult,
} from "#contract/api/audit.ts";
import { chainHash, FIRST_PREVIOUS, type KnownLine } from "#contract/audit_chain.ts";
import { messageOf } from "#contract/errors.ts";
import { diskFull, isDiskFull, storeError } from "./store_error.ts";

const log = getLogger(["rackseed", "audit"]);
/** Lines that wait for room on the disk; beyond that, actions that need a line are refused whatever they are. */
const MAX_WAITING = 1000;
const TITLE = "cannot record this action in the audit log";

export type Act = Omit<AuditEntry, "number" | "at" | "outcome">;
type Outcome = { readonly result: AuditResult; readonly status: number };

/** An action that was recorded before it began. */
interface BegunAct {
  end(outcome: Outcome): void;
}

export class AuditLog {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #add: Statement;
  /** Texts of lines that did not fit on the disk, oldest first. */
  readonly #waiting: string[] = [];
  #last: KnownLine;

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#now = now;
    const isIndexed = hasTable(db, "audit_of_node");
    db.exec(db.engine === "sqlite" ? SQLITE_TABLES : POSTGRES_TABLES);
    makeTriggers(db);
    if (!isIndexed) db.exec(INDEX_NODES);
    this.#add = db.prepare("INSERT INTO audit (number, entry, hash) VALUES (?, ?, ?)");
    const last = db.prepare("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").get();
    this.#last = last as unknown as KnownLine | undefined ?? { number: 0, hash: FIRST_PREVIOUS };
  }

  /**
   * Records what is about to be done. Throws RackseedError (507) if it cannot be. `evenIfFull`: on a full disk the
   * line waits in memory instead, for actions that an operator needs then.
   */
  begin(act: Act, { evenIfFull = false }: { evenIfFull?: boolean } = {}): BegunAct {
    const at = this.#time();
    try {
      this.#flush();
      const number = this.#append(JSON.stringify({ at, ...act }), act);
      return { end: (outcome) => this.#later({ at: this.#time(), outcomeOf: number, ...outcome }) };
    } catch (error) {
      if (!isDiskFull(error)) throw storeError(TITLE, error);
      if (!evenIfFull || this.#waiting.length >= MAX_WAITING) throw diskFull(TITLE, error);
      log.warn("not-recorded-yet", { at, ...act });
      return { end: (outcome) => this.#later({ at, ...act, ...outcome }) };
    }
  }

  /** Records something that has happened, such as a login. On a full disk the line waits in memory. */
  record(act: Act, outcome: Outcome): void {
    this.#later({ at: this.#time(), ...act, ...outcome });
  }

  list({ since, until, user, node, action, cursor, limit }: AuditQuery): AuditPage {
    const rows = this.#db.prepare(LIST).all({
      cursor: cursor ?? Number.MAX_SAFE_INTEGER,
      since: since ?? null,
      until: until ?? null,
      action: action ?? null,
      user: user ?? null,
      node: node ?? null,
      limit: limit + 1,
    }) as unknown as { number: number; entry: string; outcome: string | null }[];
    const entries = rows.slice(0, limit).map(entryOf);
    const next = rows.length > limit ? entries.at(-1)?.number : undefined;
    return { entries, ...(next !== undefined && { next }) };
  }

  /** What concerned these nodes, by name, newest first. `before`: the number where the page before ended. */
  ofNodes(
    names: readonly string[],
    { before = Number.MAX_SAFE_INTEGER, until, limit }: {
      before?: number | undefined;
      /** Only what began by then (ISO). */
      until?: string | undefined;
      limit: number;
    },
  ): AuditEntry[] {
    const rows = this.#db.prepare(OF_NODES).all({
      names: JSON.stringify(names),
      before,
      until: until ?? null,
      limit,
    }) as unknown as { number: number; entry: string; outcome: string | null }[];
    return rows.map(entryOf);
  }

  /** All lines, oldest first. */
  *lines(): Generator<AuditLine> {
    const next = this.#db.prepare(
      "SELECT number, entry, hash FROM audit WHERE number > ? ORDER BY number LIMIT 500",
    );
    for (let after = 0;;) {
      const lines = next.all(after) as unknown as AuditLine[];
      yield* lines;
      after = lines.at(-1)?.number ?? after;
      if (lines.length === 0) return;
    }
  }

  /** How many lines were ever written, counted apart from them. */
  written(): number {
    const row = this.#db.prepare(
      this.#db.engine === "sqlite"
        ? "SELECT seq FROM sqlite_sequence WHERE name = 'audit'"
        : "SELECT seq FROM audit_written",
    ).get();
    return (row as { seq: number } | undefined)?.seq ?? 0;
  }

  /** Writes the line now if it can be, else with the next one. */
  #later(line: Record<string, unknown>): void {
    if (this.#waiting.length >= MAX_WAITING) log.error("not-recorded", line);
    else this.#waiting.push(JSON.stringify(line));
    try {
      this.#flush();
    } catch (error) {
      log.error("not-recorded-yet", { ...line, error: messageOf(error) });
    }
  }

  #flush(): void {
    for (let line = this.#waiting[0]; line !== undefined; line = this.#waiting[0]) {
      this.#append(line, JSON.parse(line));
      this.#waiting.shift();
    }
  }

  #append(entry: string, facts: object): number {
    const number = this.#last.number + 1;
    const hash = chainHash(this.#last.hash, { number, entry });
    this.#add.run(number, entry, hash);
    this.#last = { number, hash };
    log.info("audit", { number, hash, ...facts });
    return number;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

function entryOf(
  { number, entry, outcome }: { number: number; entry: string; outcome: string | null },
): AuditEntry {
  const { result, status, ...act } = JSON.parse(entry);
  const end = outcome === null ? { at: act.at, result, status } : JSON.parse(outcome);
  return AuditEntry.parse({ number, ...act, ...(end.result !== undefined && { outcome: end }) });
}

/** `entry` is the text that is hashed; what is searched by is taken out of it, so that it cannot differ. */
const SQLITE_TABLES = `
  CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, hash TEXT NOT NULL,
    outcome_of INTEGER GENERATED ALWAYS AS (json_extract(entry, '$.outcomeOf')) VIRTUAL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS audit_of_node (
    node TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (node, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS audit_outcomes ON audit (outcome_of) WHERE outcome_of IS NOT NULL;
`;

/** `audit_written`: how many lines were ever written, which SQLite counts on its own. */
const POSTGRES_TABLES = `
  CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL,
    outcome_of INTEGER GENERATED ALWAYS AS (CAST(json_extract(entry, '$.outcomeOf') AS INTEGER)) STORED
  );
  CREATE TABLE IF NOT EXISTS audit_of_node (
    node TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (node, number)
  );
  CREATE INDEX IF NOT EXISTS audit_outcomes ON audit (outcome_of) WHERE outcome_of IS NOT NULL;
  CREATE TABLE IF NOT EXISTS audit_written (
    id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL
  );
  INSERT INTO audit_written VALUES (1, 0) ON CONFLICT DO NOTHING;
`;

function makeTriggers(db: Database): void {
  const table = "audit", refuse = "the audit log is only added to";
  const count = db.engine === "sqlite" ? "" : "UPDATE audit_written SET seq = NEW.number;";
  makeTrigger(db, "audit_names_nodes", {
    event: "AFTER INSERT",
    table,
    body: `INSERT INTO audit_of_node (node, number)
      SELECT value, NEW.number FROM json_each(NEW.entry, '$.nodes') WHERE true ON CONFLICT DO NOTHING; ${count}`,
  });
  makeTrigger(db, "audit_unchanged", { event: "BEFORE UPDATE", table, refuse });
  makeTrigger(db, "audit_undeleted", { event: "BEFORE DELETE", table, refuse });
  makeTrigger(db, "audit_unreplaced", {
    event: "BEFORE INSERT",
    table,
    when: "EXISTS (SELECT 1 FROM audit WHERE number >= NEW.number)",
    refuse,
  });
}

/** Finds lines by their nodes; what they say is taken from the lines themselves. */
const INDEX_NODES = `
  INSERT INTO audit_of_node (node, number)
    SELECT n.value, audit.number FROM audit, json_each(audit.entry, '$.nodes') n WHERE true ON CONFLICT DO NOTHING
`;

const OF_NODES = `
  SELECT a.number, a.entry, o.entry AS outcome FROM (
    SELECT DISTINCT number FROM audit_of_node
    WHERE node IN (SELECT value FROM json_each(:names, '$')) AND number < :before
  ) n JOIN audit a ON a.number = n.number LEFT JOIN audit o ON o.outcome_of = a.number
  WHERE CAST(:until AS TEXT) IS NULL OR json_extract(a.entry, '$.at') <= :until
  ORDER BY a.number DESC LIMIT :limit
`;

const LIST = `
  SELECT a.number, a.entry, o.entry AS outcome FROM audit a LEFT JOIN audit o ON o.outcome_of = a.number
  WHERE a.outcome_of IS NULL AND a.number < :cursor
    AND (CAST(:since AS TEXT) IS NULL OR json_extract(a.entry, '$.at') >= :since)
    AND (CAST(:until AS TEXT) IS NULL OR json_extract(a.entry, '$.at') <= :until)
    AND (CAST(:action AS TEXT) IS NULL OR json_extract(a.entry, '$.action') = :action)
    AND (CAST(:user AS TEXT) IS NULL OR json_extract(a.entry, '$.who') = :user
      OR substr(json_extract(a.entry, '$.who'), 1, length(CAST(:user AS TEXT)) + 8) = CAST(:user AS TEXT) || ' (token ')
    AND (CAST(:node AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM json_each(a.entry, '$.nodes') WHERE value = :node))
  ORDER BY a.number DESC LIMIT :limit
`;
