/**
 * PostgreSQL's own client library by FFI. Its calls wait for the server's answer, as node:sqlite waits for the disk,
 * so that the repositories need not know which engine they use. It is loaded when it is first needed.
 * Signatures: libpq-fe.h (PostgreSQL 15), "libpq - C Library" in its manual.
 */
import { RackseedError } from "#contract/errors.ts";

const SYMBOLS = {
  PQconnectdb: { parameters: ["buffer"], result: "pointer" },
  PQstatus: { parameters: ["pointer"], result: "i32" },
  PQerrorMessage: { parameters: ["pointer"], result: "pointer" },
  PQfinish: { parameters: ["pointer"], result: "void" },
  PQexec: { parameters: ["pointer", "buffer"], result: "pointer" },
  PQprepare: { parameters: ["pointer", "buffer", "buffer", "i32", "pointer"], result: "pointer" },
  PQexecPrepared: {
    parameters: ["pointer", "buffer", "i32", "buffer", "buffer", "buffer", "i32"],
    result: "pointer",
  },
  PQresultStatus: { parameters: ["pointer"], result: "i32" },
  PQresultErrorMessage: { parameters: ["pointer"], result: "pointer" },
  PQresultErrorField: { parameters: ["pointer", "i32"], result: "pointer" },
  PQcmdTuples: { parameters: ["pointer"], result: "pointer" },
  PQntuples: { parameters: ["pointer"], result: "i32" },
  PQnfields: { parameters: ["pointer"], result: "i32" },
  PQfname: { parameters: ["pointer", "i32"], result: "pointer" },
  PQftype: { parameters: ["pointer", "i32"], result: "u32" },
  PQgetisnull: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  PQgetlength: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  PQgetvalue: { parameters: ["pointer", "i32", "i32"], result: "pointer" },
  PQclear: { parameters: ["pointer"], result: "void" },
} as const;

export type Libpq = ReturnType<typeof Deno.dlopen<typeof SYMBOLS>>["symbols"];

let loaded: Libpq | undefined;

/** Throws RackseedError if the machine has no libpq. */
export function libpq(): Libpq {
  try {
    return loaded ??= Deno.dlopen("libpq.so.5", SYMBOLS).symbols;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new RackseedError("cannot use a PostgreSQL database", {
      reason: "this machine lacks the library libpq.so.5.",
      remedy: "install libpq5 (RHEL: libpq) on the image server.",
      cause: error,
    });
  }
}

/** A string as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new Error("a text for PostgreSQL contains a zero byte");
  return new TextEncoder().encode(`${text}\0`);
}

/** Empty for a null pointer. */
export function textAt(pointer: Deno.PointerValue): string {
  return pointer === null ? "" : Deno.UnsafePointerView.getCString(pointer);
}
