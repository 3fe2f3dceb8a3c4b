/**
 * Runs every decoder of data from the network, disks and images on hostile inputs. A decoder may accept or reject an
 * input; it must not throw an unexpected error, exceed the time limit, or leak memory. A failure is reported with its
 * input, so that it can become a test next to the decoder.
 */
import type { FuzzedDecoder } from "./decoders/decoder.ts";
import type { FuzzAnswer, FuzzJob } from "./fuzz_worker.ts";
import { inputsOf } from "./inputs.ts";

interface FuzzOptions {
  /** The total, divided among the decoders by weight. */
  readonly inputs: number;
  readonly seed: number;
  /** The time limit for one input. */
  readonly limitMs?: number;
  /** How much the process may grow while one decoder runs. */
  readonly limitBytes?: number;
  /** Only decoders whose names contain this. */
  readonly only?: string;
  /** The module with the decoders, if not `all.ts`. */
  readonly table?: string;
}

interface FuzzResult {
  readonly decoder: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly grownBytes: number;
  readonly failure?: string;
}

const ALL = new URL("./decoders/all.ts", import.meta.url).href;
/** Generous, since a busy machine may not run the worker for seconds; an endless loop exceeds any limit. */
const LIMIT_MS = 30_000;
const LIMIT_BYTES = 512 * 1024 * 1024;
const WATCH_MS = 50;

/** Fuzzes the decoders one after another, and yields each result. */
export async function* fuzz(options: FuzzOptions): AsyncGenerator<FuzzResult> {
  const { table = ALL } = options;
  const { decoders } = await import(table) as { decoders: readonly FuzzedDecoder[] };
  const chosen = decoders.filter(({ name }) => name.includes(options.only ?? ""));
  const weightOf = ({ weight = 1 }: FuzzedDecoder) => weight;
  const each = options.inputs / chosen.reduce((sum, decoder) => sum + weightOf(decoder), 0);
  let worker: Worker | undefined;
  try {
    for (const decoder of chosen) {
      worker ??= new Worker(new URL("./fuzz_worker.ts", import.meta.url), { type: "module" });
      const count = Math.ceil(each * weightOf(decoder));
      const result = await fuzzOne(decoder, { ...options, table, worker, count });
      yield result;
      if (result.failure === undefined) continue;
      // It may still be working on that input, and then runs until the process ends (faulty_run.ts).
      worker.terminate();
      worker = undefined;
    }
  } finally {
    worker?.terminate();
  }
}

async function fuzzOne(
  decoder: FuzzedDecoder,
  { worker, table, seed, count, limitMs = LIMIT_MS, limitBytes = LIMIT_BYTES }: FuzzOptions & {
    worker: Worker;
    table: string;
    count: number;
  },
): Promise<FuzzResult> {
  const at = new SharedArrayBuffer(4);
  const watch = new Watch(at, { limitMs, limitBytes });
  try {
    const answered = new Promise<FuzzAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FuzzAnswer>) => resolve(data);
      worker.onerror = (event) => reject(new Error(`${decoder.name}: ${event.message}`));
    });
    const job: FuzzJob = { table, decoder: decoder.name, seed, count, at };
    worker.postMessage(job);
    const answer = await Promise.race([answered, watch.ended]);
    const done = answer.kind === "done"
      ? answer
      : { accepted: 0, refused: 0, slowestMs: answer.kind === "hang" ? limitMs : 0 };
    const failure = failureOf(answer, { decoder, seed, count });
    return {
      decoder: decoder.name,
      inputs: answer.kind === "done" ? count : answer.at + 1,
      accepted: done.accepted,
      refused: done.refused,
      slowestMs: done.slowestMs,
      grownBytes: watch.grownBytes,
      ...(failure !== undefined && { failure }),
    };
  } finally {
    watch[Symbol.dispose]();
  }
}

interface Overrun {
  readonly kind: "hang" | "memory";
  readonly at: number;
}

/** Watches the worker from this thread. */
class Watch implements Disposable {
  readonly ended: Promise<Overrun>;
  readonly #startBytes = Deno.memoryUsage().rss;
  #mostBytes = this.#startBytes;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(at: SharedArrayBuffer, { limitMs, limitBytes }: { limitMs: number; limitBytes: number }) {
    const place = new Int32Array(at).fill(-1);
    const ended = Promise.withResolvers<Overrun>();
    this.ended = ended.promise;
    let [last, sinceMs] = [-1, performance.now()];
    this.#timer = setInterval(() => {
      const now = Atomics.load(place, 0);
      if (now !== last) [last, sinceMs] = [now, performance.now()];
      else if (now >= 0 && performance.now() - sinceMs > limitMs) ended.resolve({ kind: "hang", at: now });
      this.#mostBytes = Math.max(this.#mostBytes, Deno.memoryUsage().rss);
      if (this.grownBytes > limitBytes) ended.resolve({ kind: "memory", at: Math.max(0, now) });
    }, WATCH_MS);
  }

  get grownBytes(): number {
    return this.#mostBytes - this.#startBytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function failureOf(
  answer: FuzzAnswer | Overrun,
  { decoder, seed, count }: { decoder: FuzzedDecoder; seed: number; count: number },
): string | undefined {
  if (answer.kind === "done") return undefined;
  let input: Uint8Array | string = "";
  let number = 0;
  for (const one of inputsOf(decoder, { seed, count })) {
    input = one;
    if (number++ === answer.at) break;
  }
  const shown = typeof input === "string" ? JSON.stringify(input) : input.toHex();
  const what = answer.kind === "crash" ? answer.error : answer.kind;
  return `${decoder.name}: ${what}\n  seed ${seed}, of ${count} input ${answer.at}: ${shown.slice(0, 4000)}`;
}
