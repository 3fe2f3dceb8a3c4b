/** Schedules and their runs. A passphrase is sealed. */
import type { Database, Statement } from "./engine.ts";
import type { Role } from "#contract/api/access.ts";
import {
  RunOutcome,
  type RunView,
  type ScheduleAdd,
  ScheduledOrder,
  ScheduleTerms,
} from "#contract/api/schedules.ts";
import { transaction } from "./database.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { SecretBox } from "./secret_box.ts";

/** Runs of one schedule that are kept. */
const KEPT_RUNS = 20;

/** Whose rights its runs have. */
export interface Maker {
  /** "anna", "anna (token ci)", "admin token" */
  readonly name: string;
  /** Undefined: the holder of the admin token. */
  readonly user: string | undefined;
  /** The role with which it was made: a token may have less than its user. */
  readonly role: Role;
}

export interface ScheduleRecord extends Omit<ScheduleAdd, "zone"> {
  readonly zone: string;
  readonly by: Maker;
  readonly created: string;
  readonly paused: boolean;
  /** A passphrase is kept for it. */
  readonly hasPassphrase?: boolean;
  /** Up to when its times have been dealt with, in milliseconds since 1970. */
  readonly lookedMs: number;
}

export interface RunRecord {
  readonly number: number;
  readonly schedule: string;
  readonly cause: RunView["cause"];
  readonly planned: string;
  readonly ended?: string;
  readonly outcome?: RunOutcome;
  readonly reason?: string;
  /** The order as the run carries it out. */
  readonly order: ScheduledOrder;
  readonly parts: readonly PartRecord[];
}

export interface PartRecord {
  /** Node id, or what was named if there is no such node. */
  readonly node: string;
  readonly name: string;
  readonly state: keyof RunView["nodes"];
  /** Finds its order again. */
  readonly handle?: string;
  /** When it was ordered, in milliseconds since 1970. */
  readonly orderedMs?: number;
  readonly problem?: string;
}

interface ScheduleRow {
  readonly name: string;
  readonly terms: string;
  readonly maker: string;
  readonly created: string;
  readonly paused: number;
  readonly hasPassphrase: number;
  readonly lookedMs: number;
}

interface RunRow {
  readonly number: number;
  readonly schedule: string;
  readonly cause: RunView["cause"];
  readonly planned: string;
  readonly ended: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly run_order: string;
}

interface PartRow {
  readonly node: string;
  readonly name: string;
  readonly state: PartRecord["state"];
  readonly handle: string | null;
  readonly orderedMs: number | null;
  readonly problem: string | null;
}

const Terms = ScheduleTerms.required({ zone: true });

export class Schedules {
  readonly #db: Database;
  readonly #box: SecretBox;
  readonly #parts: Statement;
  readonly #putPart: Statement;

  constructor(db: Database, directory: { readonly keys: string }) {
    this.#db = db;
    this.#box = new SecretBox(directory, { isUsed: () => holdsSealed(db) });
    db.exec(TABLES);
    this.#parts = db.prepare(
      `SELECT node, name, state, handle, ordered_ms AS orderedMs, problem
       FROM schedule_parts WHERE run = ? ORDER BY position`,
    );
    this.#putPart = db.prepare(
      `INSERT INTO schedule_parts (run, position, node, name, state, handle, ordered_ms, problem)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (run, node) DO UPDATE SET state = excluded.state, handle = excluded.handle,
         ordered_ms = excluded.ordered_ms, problem = excluded.problem`,
    );
  }

  /** By name. */
  list(): ScheduleRecord[] {
    const rows = this.#db.prepare(
      `SELECT name, terms, maker, created, paused, passphrase IS NOT NULL AS hasPassphrase,
         looked_ms AS lookedMs FROM schedules ORDER BY name`,
    ).all() as unknown as ScheduleRow[];
    return rows.map(({ terms, maker, paused, hasPassphrase, ...row }) => ({
      ...Terms.parse(JSON.parse(terms)),
      ...row,
      by: JSON.parse(maker) as Maker,
      paused: paused !== 0,
      ...(hasPassphrase !== 0 && { hasPassphrase: true }),
    }));
  }

  /** Its passphrase is sealed, and left out of what `list` returns. */
  add({ name, by, created, paused, lookedMs, hasPassphrase: _, ...terms }: ScheduleRecord): void {
    const { text, sealed } = this.#sealedTerms(name, terms);
    this.#db.prepare(
      `INSERT INTO schedules (name, terms, passphrase, maker, created, paused, looked_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(name, text, sealed, JSON.stringify(by), created, paused ? 1 : 0, lookedMs);
  }

  /** All of its terms; without a passphrase among them, none is kept. */
  change(
    name: string,
    { by, lookedMs, ...terms }: ScheduleTerms & Pick<ScheduleRecord, "zone" | "by" | "lookedMs">,
  ): void {
    const { text, sealed } = this.#sealedTerms(name, terms);
    this.#db.prepare(
      "UPDATE schedules SET terms = ?, passphrase = ?, maker = ?, looked_ms = ? WHERE name = ?",
    )
      .run(text, sealed, JSON.stringify(by), lookedMs, name);
  }

  #sealedTerms(name: string, terms: ScheduleTerms): { text: string; sealed: Uint8Array | null } {
    const { passphrase, ...order } = terms.order as ScheduledOrder & { passphrase?: string | undefined };
    const sealed = passphrase === undefined ? null : this.#box.seal(passphrase, ["schedule", name]);
    return { text: JSON.stringify({ ...terms, order }), sealed };
  }

  /** Throws RackseedError if the key of the secrets is lost. */
  passphrase(name: string): string | undefined {
    const row = this.#db.prepare("SELECT passphrase FROM schedules WHERE name = ?").get(name) as
      | { passphrase: Uint8Array | null }
      | undefined;
    return row?.passphrase ? this.#box.open(row.passphrase, ["schedule", name]) : undefined;
  }

  setPaused(name: string, paused: boolean): void {
    this.#db.prepare("UPDATE schedules SET paused = ? WHERE name = ?").run(paused ? 1 : 0, name);
  }

  setLooked(name: string, lookedMs: number): void {
    this.#db.prepare("UPDATE schedules SET looked_ms = ? WHERE name = ?").run(lookedMs, name);
  }

  /** With its runs. */
  delete(name: string): void {
    this.#db.prepare("DELETE FROM schedules WHERE name = ?").run(name);
  }

  /** Enters a run, and up to when the schedule's times have been dealt with. Returns the run's number. */
  begin(
    { parts, schedule, cause, planned, ended, outcome, reason, order }: Omit<RunRecord, "number">,
    { lookedMs }: { lookedMs: number },
  ): number {
    return transaction(this.#db, () => {
      this.setLooked(schedule, lookedMs);
      const row = this.#db.prepare(
        `INSERT INTO schedule_runs (schedule, cause, planned, ended, outcome, reason, run_order)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number`,
      ).get(
        schedule,
        cause,
        planned,
        ended ?? null,
        outcome ?? null,
        reason ?? null,
        JSON.stringify(order),
      );
      const number = Number(row?.number);
      this.#save(number, parts);
      this.#db.prepare(
        `DELETE FROM schedule_runs WHERE schedule = ?1 AND number NOT IN
          (SELECT number FROM schedule_runs WHERE schedule = ?1 ORDER BY number DESC LIMIT ${KEPT_RUNS})`,
      ).run(schedule);
      return number;
    });
  }

  /** As `update`, within a transaction of the caller's. */
  record(number: number, parts: readonly PartRecord[]): void {
    this.#save(number, parts);
  }

  /** Stores parts that have changed. */
  update(number: number, parts: readonly PartRecord[]): void {
    if (parts.length === 0) return;
    transaction(this.#db, () => this.#save(number, parts));
  }

  end(
    number: number,
    { ended, outcome, reason }: { ended: string; outcome: RunOutcome; reason: string | undefined },
  ): void {
    this.#db.prepare("UPDATE schedule_runs SET ended = ?, outcome = ?, reason = ? WHERE number = ?")
      .run(ended, outcome, reason ?? null, number);
  }

  /** Newest first. */
  runs(schedule: string, { limit = KEPT_RUNS }: { limit?: number } = {}): RunRecord[] {
    const rows = this.#db.prepare(
      "SELECT * FROM schedule_runs WHERE schedule = ? ORDER BY number DESC LIMIT ?",
    ).all(schedule, limit);
    return (rows as unknown as RunRow[]).map((row) => this.#runOf(row));
  }

  /** The run that is under way. */
  current(schedule: string): RunRecord | undefined {
    const row = this.#db.prepare(
      "SELECT * FROM schedule_runs WHERE schedule = ? AND ended IS NULL ORDER BY number DESC LIMIT 1",
    ).get(schedule);
    return row && this.#runOf(row as unknown as RunRow);
  }

  #save(run: number, parts: readonly PartRecord[]): void {
    for (const [i, { node, name, state, handle, orderedMs, problem }] of parts.entries()) {
      this.#putPart.run(run, i, node, name, state, handle ?? null, orderedMs ?? null, problem ?? null);
    }
  }

  #runOf({ run_order, ended, outcome, reason, ...row }: RunRow): RunRecord {
    const parts = this.#parts.all(row.number) as unknown as PartRow[];
    return {
      ...row,
      ...(ended !== null && { ended }),
      ...(outcome !== null && { outcome: RunOutcome.parse(outcome) }),
      ...(reason !== null && { reason }),
      order: ScheduledOrder.parse(JSON.parse(run_order)),
      parts: parts.map(({ handle, orderedMs, problem, ...part }) => ({
        ...part,
        ...(handle !== null && { handle }),
        ...(orderedMs !== null && { orderedMs }),
        ...(problem !== null && { problem }),
      })),
    };
  }
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS schedules (
    name TEXT PRIMARY KEY, terms TEXT NOT NULL, passphrase BLOB, maker TEXT NOT NULL, created TEXT NOT NULL,
    paused INTEGER NOT NULL, looked_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS schedule_runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, schedule TEXT NOT NULL REFERENCES schedules ON DELETE CASCADE,
    cause TEXT NOT NULL, planned TEXT NOT NULL, ended TEXT, outcome TEXT, reason TEXT, run_order TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS schedule_runs_of ON schedule_runs (schedule, number);
  CREATE TABLE IF NOT EXISTS schedule_parts (
    run INTEGER NOT NULL REFERENCES schedule_runs ON DELETE CASCADE, position INTEGER NOT NULL, node TEXT NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, handle TEXT, ordered_ms INTEGER, problem TEXT,
    PRIMARY KEY (run, node)
  ) STRICT;
`;
