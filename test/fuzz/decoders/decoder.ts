import type fc from "fast-check";

/**
 * A decoder to fuzz. Each module of this folder exports a table of them as `decoders`; `all.ts` joins the tables.
 * The harness (`../harness.ts`) damages the inputs further, runs each in a worker with a time limit and watches the
 * memory, so that a table only describes its decoders.
 */
export interface FuzzedDecoder<Input extends Uint8Array | string = Uint8Array | string> {
  /** Unique: `dhcp packet`. */
  readonly name: string;
  /** Valid messages, and attacks on this format's lengths, signs, nesting, counts and repetitions. */
  readonly inputs: fc.Arbitrary<Input>;
  /** May return a promise, if it decodes a stream. */
  decode(input: Input): unknown;
  /** Its share of all inputs, 1 by default; a slow decoder gets less. */
  readonly weight?: number;
  /** Whether the decoder rejects garbage with this error. By default none: the decoder must never throw. */
  readonly refuses?: (error: unknown) => boolean;
}

/** Erases the type of the input, so that one table can hold decoders of bytes and of text. */
export function decoder<Input extends Uint8Array | string>(about: FuzzedDecoder<Input>): FuzzedDecoder {
  return about as unknown as FuzzedDecoder;
}
