/** The parameters of one execution, laid out as PQexecPrepared reads them. */
import type { SqlValue } from "../../engine.ts";

interface Parameters {
  /** Pointers to the values; 0 is NULL. */
  readonly values: BigUint64Array<ArrayBuffer>;
  readonly lengths: Int32Array<ArrayBuffer>;
  /** 1: bytes as they are; 0: text that ends with a zero byte. */
  readonly formats: Int32Array<ArrayBuffer>;
  /** What the pointers point into: must be reachable until the call returns. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
/** Smaller arrays may be moved by the runtime. */
const LEAST_BYTES = 256;

/** Throws Error for a text with a zero byte, which PostgreSQL cannot store. */
export function layOut(input: readonly SqlValue[]): Parameters {
  const parts = input.map(bytesOf);
  const total = parts.reduce((sum, part) => sum + (part?.length ?? 0) + 1, 0);
  const bytes = new Uint8Array(Math.max(total, LEAST_BYTES));
  const base = Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
  const values = new BigUint64Array(Math.max(input.length, 1));
  const lengths = new Int32Array(Math.max(input.length, 1)), formats = lengths.slice();
  let at = 0;
  parts.forEach((part, i) => {
    if (part === null) return;
    bytes.set(part, at);
    values[i] = BigInt(base) + BigInt(at);
    lengths[i] = part.length;
    if (ArrayBuffer.isView(input[i])) formats[i] = 1;
    else if (part.includes(0)) throw new Error("a text for PostgreSQL contains a zero byte");
    at += part.length + 1;
  });
  return { values, lengths, formats, bytes };
}

function bytesOf(value: SqlValue): Uint8Array | null {
  if (value === null) return null;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === "string") return encoder.encode(value);
  if (typeof value === "number" || typeof value === "bigint") return encoder.encode(String(value));
  throw new TypeError(`a ${typeof value} cannot be stored`);
}
