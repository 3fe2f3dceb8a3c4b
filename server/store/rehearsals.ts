/** Rehearsals and their verdicts. Consoles and screenshots are files: see data_directory.ts. */
import type { Database, Statement } from "./engine.ts";
import { RehearsalRequest, RehearsalView, Verdict } from "#contract/api/rehearsals.ts";
import type { z } from "zod";

/** A rehearsal as it is stored. */
const RehearsalRecord = RehearsalView.omit({ ahead: true, message: true, hasScreenshot: true }).extend({
  /** SHA-256 of the version's manifest: another version may later have the same name and number. */
  versionId: RehearsalView.shape.by,
  request: RehearsalRequest,
  /** Of the machine, and of the node that stands for it while it is installed. */
  mac: RehearsalView.shape.by,
  node: RehearsalView.shape.by,
});
export type RehearsalRecord = z.infer<typeof RehearsalRecord>;

/** A version as its rehearsals name it. */
export interface RehearsedVersion {
  readonly image: string;
  readonly version: number;
  /** SHA-256 of its manifest. */
  readonly id: string;
}

export class RehearsalTable {
  readonly #put: Statement;
  readonly #get: Statement;
  readonly #all: Statement;
  readonly #open: Statement;
  readonly #ofVersion: Statement;
  readonly #verdict: Statement;
  readonly #anyVerdict: Statement;
  readonly #delete: Statement;

  constructor(db: Database) {
    db.exec(`CREATE TABLE IF NOT EXISTS rehearsals (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, image TEXT NOT NULL,
      version INTEGER NOT NULL, version_id TEXT NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS rehearsals_of_version ON rehearsals (image, version);`);
    this.#put = db.prepare(
      `INSERT INTO rehearsals (id, image, version, version_id, state, record) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, record = excluded.record`,
    );
    this.#get = db.prepare("SELECT record FROM rehearsals WHERE id = ?");
    this.#all = db.prepare("SELECT record FROM rehearsals ORDER BY number DESC");
    this.#open = db.prepare(
      "SELECT record FROM rehearsals WHERE state IN ('queued', 'installing', 'booting') ORDER BY number",
    );
    this.#ofVersion = db.prepare(
      "SELECT record FROM rehearsals WHERE image = ? AND version = ? AND version_id = ? ORDER BY number DESC",
    );
    this.#verdict = db.prepare(
      `SELECT record FROM rehearsals WHERE image = ? AND version = ? AND version_id = ?
       AND state IN ('proved', 'failed') ORDER BY number DESC LIMIT 1`,
    );
    this.#anyVerdict = db.prepare(
      "SELECT 1 FROM rehearsals WHERE image = ? AND state IN ('proved', 'failed') LIMIT 1",
    );
    this.#delete = db.prepare("DELETE FROM rehearsals WHERE id = ?");
  }

  put(record: RehearsalRecord): void {
    const { id, image, version, versionId, state } = record;
    this.#put.run(id, image, version, versionId, state, JSON.stringify(record));
  }

  find(id: string): RehearsalRecord | undefined {
    return this.#records(this.#get, id)[0];
  }

  /** Newest first. */
  all(): RehearsalRecord[] {
    return this.#records(this.#all);
  }

  /** Those that wait or run, in their order. */
  open(): RehearsalRecord[] {
    return this.#records(this.#open);
  }

  /** Newest first. */
  of({ image, version, id }: RehearsedVersion): RehearsalRecord[] {
    return this.#records(this.#ofVersion, image, version, id);
  }

  /** The version's newest verdict. */
  verdict({ image, version, id }: RehearsedVersion): Verdict | undefined {
    const [record] = this.#records(this.#verdict, image, version, id);
    const { started, ended } = record ?? {};
    if (!record || started === undefined || ended === undefined) return undefined;
    return Verdict.parse({
      ...record,
      seconds: Math.max(0, Math.round((Date.parse(ended) - Date.parse(started)) / 1000)),
    });
  }

  /** Whether any version of the image has had a verdict. */
  isRehearsed(image: string): boolean {
    return this.#anyVerdict.get(image) !== undefined;
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  #records(statement: Statement, ...values: (string | number)[]): RehearsalRecord[] {
    return (statement.all(...values) as unknown as { record: string }[])
      .map(({ record }) => RehearsalRecord.parse(JSON.parse(record)));
  }
}
