/** The PostgreSQL adapter of the store's port: one connection, on which every call waits for its answer. */
import { RackseedError } from "#contract/errors.ts";
import type { Database, SqlRow, SqlValue, Statement } from "../../engine.ts";
import { translate, type Translated } from "./dialect.ts";
import { cString, type Libpq, libpq, textAt } from "./libpq.ts";
import { layOut } from "./parameters.ts";
import { rowsOf } from "./rows.ts";

const CONNECTION_OK = 0;
const EMPTY_QUERY = 0, COMMAND_OK = 1, TUPLES_OK = 2;
/** PG_DIAG_SQLSTATE */
const SQLSTATE = "C".charCodeAt(0);
/** Texts beyond these are prepared again each time. */
const MOST_PREPARED = 1000;

/** An error that PostgreSQL reported. `code`: its SQLSTATE; empty if the connection broke. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export class PostgresDatabase implements Database {
  readonly engine = "postgresql";
  readonly #pq: Libpq;
  #connection: Deno.PointerValue;
  /** Names of prepared statements by their SQL. */
  readonly #prepared = new Map<string, Uint8Array<ArrayBuffer>>();

  /**
   * `where`: a URL "postgres://…" or words such as "host=/run/postgresql dbname=rackseed". Throws RackseedError if the
   * server cannot be reached.
   */
  constructor(where: string) {
    this.#pq = libpq();
    this.#connection = this.#pq.PQconnectdb(cString(where));
    if (this.#pq.PQstatus(this.#connection) !== CONNECTION_OK) {
      const reason = textAt(this.#pq.PQerrorMessage(this.#connection)).trim();
      this.close();
      throw new RackseedError("cannot open the PostgreSQL database", {
        reason: `${reason}.`,
        remedy: "check that PostgreSQL runs there, and that this user may connect: psql URL",
      });
    }
    // notices that a table exists already would go to standard error
    this.exec(
      "SET client_min_messages = warning; SET standard_conforming_strings = on; SET bytea_output = hex",
    );
  }

  prepare(sql: string): Statement {
    return new PostgresStatement(translate(sql), (text, values) => this.#execute(text, values));
  }

  exec(sql: string): void {
    this.#pq.PQclear(this.#checked(this.#pq.PQexec(this.#open(), cString(translate(sql).sql))));
  }

  close(): void {
    if (this.#connection !== null) this.#pq.PQfinish(this.#connection);
    this.#connection = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #execute(sql: string, input: readonly SqlValue[]): { rows: SqlRow[]; changes: number } {
    const connection = this.#open(), name = this.#nameOf(sql);
    const { values, lengths, formats, bytes } = layOut(input);
    const result = this.#checked(
      this.#pq.PQexecPrepared(connection, name, input.length, values, lengths, formats, 0),
    );
    // reading it here keeps it reachable during the call
    if (bytes.length === 0) throw new Error("unreachable");
    try {
      return { rows: rowsOf(this.#pq, result), changes: Number(textAt(this.#pq.PQcmdTuples(result))) };
    } finally {
      this.#pq.PQclear(result);
    }
  }

  /** Prepared when it is first executed: its tables may be made after it. */
  #nameOf(sql: string): Uint8Array<ArrayBuffer> {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const isKept = this.#prepared.size < MOST_PREPARED;
    const name = cString(isKept ? `s${this.#prepared.size}` : "");
    this.#pq.PQclear(this.#checked(this.#pq.PQprepare(this.#open(), name, cString(sql), 0, null)));
    if (isKept) this.#prepared.set(sql, name);
    return name;
  }

  #open(): Deno.PointerObject {
    if (this.#connection === null) throw new Error("the database is closed");
    return this.#connection;
  }

  /** Returns the result, to be cleared. Throws PostgresError if it is an error. */
  #checked(result: Deno.PointerValue): Deno.PointerValue {
    const status = this.#pq.PQresultStatus(result);
    if (status === COMMAND_OK || status === TUPLES_OK || status === EMPTY_QUERY) return result;
    const message = textAt(this.#pq.PQresultErrorMessage(result)) ||
      textAt(this.#pq.PQerrorMessage(this.#open()));
    const code = textAt(this.#pq.PQresultErrorField(result, SQLSTATE));
    this.#pq.PQclear(result);
    throw new PostgresError(message.trim(), code);
  }
}

type Execute = (sql: string, values: readonly SqlValue[]) => { rows: SqlRow[]; changes: number };

class PostgresStatement implements Statement {
  readonly #text: Translated;
  readonly #execute: Execute;

  constructor(text: Translated, execute: Execute) {
    this.#text = text;
    this.#execute = execute;
  }

  run(...values: unknown[]): { changes: number } {
    return { changes: this.#result(values).changes };
  }

  get(...values: unknown[]): SqlRow | undefined {
    return this.#result(values).rows[0];
  }

  all(...values: unknown[]): SqlRow[] {
    return this.#result(values).rows;
  }

  iterate(...values: unknown[]): Iterable<SqlRow> {
    return this.#result(values).rows;
  }

  #result(values: readonly unknown[]): { rows: SqlRow[]; changes: number } {
    const { sql, names, count } = this.#text;
    const input = names.length === 0 ? values : names.map((name) => {
      const value = (values[0] as Record<string, SqlValue>)[name];
      if (value === undefined) throw new Error(`the parameter ${name} is missing: ${sql}`);
      return value;
    });
    if (input.length !== count) throw new Error(`${input.length} values for ${count} parameters: ${sql}`);
    return this.#execute(sql, input as SqlValue[]);
  }
}
