/** A result of libpq in text format, as rows. */
import type { SqlRow } from "../../engine.ts";
import { type Libpq, textAt } from "./libpq.ts";

/** From catalog/pg_type.dat: the types that the store's SQL results in. */
const BOOL = 16, BYTEA = 17, TEXT = [25, 19, 1043, 705], NUMBERS = [20, 21, 23, 700, 701, 1700];

/** The result is not cleared. */
export function rowsOf(pq: Libpq, result: Deno.PointerValue): SqlRow[] {
  const columns = Array.from({ length: pq.PQnfields(result) }, (_, i) => {
    const name = textAt(pq.PQfname(result, i));
    return { name, read: readerOf(pq.PQftype(result, i), name) };
  });
  return Array.from({ length: pq.PQntuples(result) }, (_, row) => {
    const values = columns.map(({ name, read }, column) => {
      if (pq.PQgetisnull(result, row, column) === 1) return [name, null] as const;
      return [name, read(textAt(pq.PQgetvalue(result, row, column)))] as const;
    });
    return Object.assign(Object.create(null), Object.fromEntries(values));
  });
}

function readerOf(type: number, column: string): (text: string) => number | string | Uint8Array {
  // SQLite has no booleans
  if (type === BOOL) return (text) => text === "t" ? 1 : 0;
  if (type === BYTEA) return (text) => new Uint8Array(Buffer.from(text.slice(2), "hex"));
  if (NUMBERS.includes(type)) return Number;
  if (TEXT.includes(type)) return (text) => text;
  throw new Error(`the column ${column} has the type ${type}, which the store does not use`);
}
