/**
 * The port that the repositories of this folder see: what they need of a database engine, in the words of
 * node:sqlite. SQL is written so that SQLite and PostgreSQL both understand it; see the README.
 */

export type SqlValue = null | number | bigint | string | NodeJS.ArrayBufferView;
export type SqlRow = Record<string, null | number | bigint | string | Uint8Array>;
type Named = Record<string, SqlValue>;

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint };
  run(named: Named): { changes: number | bigint };
  get(...values: SqlValue[]): SqlRow | undefined;
  get(named: Named): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
  all(named: Named): SqlRow[];
  /** For results that are read only in part. */
  iterate(...values: SqlValue[]): Iterable<SqlRow>;
}

export interface Database {
  /** For the few statements that have no common form. */
  readonly engine: "sqlite" | "postgresql";
  prepare(sql: string): Statement;
  /** Runs one or more statements without parameters. */
  exec(sql: string): void;
  close(): void;
  [Symbol.dispose](): void;
}
