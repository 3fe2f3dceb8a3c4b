import type fc from "fast-check";

/**
 * One decoder under fuzz. A table of these is a module of this folder that exports `decoders`; `all.ts` joins the
 * tables. The harness (`../harness.ts`) damages the inputs further, runs each in a worker with a time limit, and
 * watches memory, so a decoder says only what belongs to it.
 */
export interface FuzzedDecoder<Input extends Uint8Array | string = Uint8Array | string> {
  /** Unique: `dhcp packet`. */
  readonly name: string;
  /** Valid messages, and attacks on what this format has: lengths, signs, nesting, counts, repetitions. */
  readonly inputs: fc.Arbitrary<Input>;
  /** May return a promise where the decoder is a stream's. */
  decode(input: Input): unknown;
  /** Its part of all inputs beside that of the others, 1 by default: a slow one takes fewer. */
  readonly weight?: number;
  /** Whether this error is how the decoder turns garbage down. By default no error is: the decoder never throws. */
  readonly refuses?: (error: unknown) => boolean;
}

/** Lets a table hold decoders of bytes and of text side by side. */
export function decoder<Input extends Uint8Array | string>(about: FuzzedDecoder<Input>): FuzzedDecoder {
  return about as unknown as FuzzedDecoder;
}
