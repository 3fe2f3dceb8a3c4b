/** Runs decoders one after another for `harness.ts`, which ends this worker if a decoder never returns. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { FuzzedDecoder } from "./decoders/decoder.ts";
import { inputsOf } from "./inputs.ts";

export interface FuzzJob {
  /** The module whose `decoders` contains it. */
  readonly table: string;
  readonly decoder: string;
  readonly seed: number;
  readonly count: number;
  /** One Int32: the number of the current input. */
  readonly at: SharedArrayBuffer;
}

export type FuzzAnswer =
  | {
    readonly kind: "done";
    readonly accepted: number;
    readonly refused: number;
    readonly slowestMs: number;
    readonly slowestAt: number;
  }
  /** The decoder threw an unexpected error. */
  | { readonly kind: "crash"; readonly at: number; readonly error: string };

/** Garbage is collected after this much input, so that the measured memory is what decoders hold. */
const COLLECT_BYTES = 16 << 20;
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

interface Scope {
  onmessage: ((event: MessageEvent<FuzzJob>) => void) | null;
  postMessage(answer: FuzzAnswer): void;
}
const scope = globalThis as unknown as Scope;

scope.onmessage = ({ data: job }) => void run(job).then((answer) => scope.postMessage(answer));

async function run({ table, decoder: name, seed, count, at }: FuzzJob): Promise<FuzzAnswer> {
  const { decoders } = await import(table) as { decoders: readonly FuzzedDecoder[] };
  const decoder = decoders.find((one) => one.name === name) as FuzzedDecoder;
  const place = new Int32Array(at);
  let [accepted, refused, slowestMs, slowestAt, number] = [0, 0, 0, 0, 0];
  let sinceCollected = 0;
  for (const input of inputsOf(decoder, { seed, count })) {
    Atomics.store(place, 0, number);
    const started = performance.now();
    try {
      const value = decoder.decode(input);
      if (value instanceof Promise) await value;
      accepted++;
    } catch (error) {
      if (!decoder.refuses?.(error)) {
        const text = error instanceof Error ? error.stack ?? error.message : String(error);
        return { kind: "crash", at: number, error: text };
      }
      refused++;
    }
    const tookMs = performance.now() - started;
    sinceCollected += input.length;
    if (sinceCollected > COLLECT_BYTES) {
      collect();
      sinceCollected = 0;
    }
    if (tookMs > slowestMs) [slowestMs, slowestAt] = [tookMs, number];
    number++;
  }
  return { kind: "done", accepted, refused, slowestMs, slowestAt };
}
