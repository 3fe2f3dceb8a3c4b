import fc from "fast-check";
import { damaged, seeded } from "./damage.ts";
import type { FuzzedDecoder } from "./decoders/decoder.ts";

/** One in this many inputs is as its table made it; the rest are damaged forms of that. */
const EACH = 10;
/** Inputs made at a time: all those of a long run would distort the memory measurement. */
const BLOCK = 640;
const NOISE_BYTES = 700;

/** The decoder's inputs for this seed: those of its table, damaged forms of them, and noise. */
export function* inputsOf(
  decoder: FuzzedDecoder,
  { seed, count }: { seed: number; count: number },
): Generator<Uint8Array | string> {
  for (let from = 0; from < count; from += BLOCK) {
    yield* block(decoder, { seed: seed + from, count: Math.min(BLOCK, count - from) });
  }
}

function* block(
  { inputs }: FuzzedDecoder,
  { seed, count }: { seed: number; count: number },
): Generator<Uint8Array | string> {
  const random = seeded(seed);
  const made = fc.sample(inputs, { numRuns: Math.max(1, Math.ceil(count / EACH)), seed });
  const isText = typeof made[0] === "string";
  const bytes = made.map((input) => typeof input === "string" ? new TextEncoder().encode(input) : input);
  for (let i = 0; i < count; i++) {
    const which = Math.floor(i / EACH);
    if (i % EACH === 0) {
      yield made[which] as Uint8Array | string;
      continue;
    }
    const base = i % EACH === EACH - 1
      ? Uint8Array.from({ length: random(NOISE_BYTES) }, () => random(256))
      : bytes[which] as Uint8Array;
    const other = bytes[random(bytes.length)] as Uint8Array;
    const input = damaged(base, { other, random });
    yield isText ? new TextDecoder().decode(input) : input;
  }
}
