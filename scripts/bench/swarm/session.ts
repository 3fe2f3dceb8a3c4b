/** Machines, payload and scratch space of a bench; disposing of it removes all. */
import { LinkLab, type LinkLabOptions } from "../link_lab.ts";
import type { Engine } from "./engine.ts";
import { measure, type PowerCut, type Sample } from "./measure.ts";
import { makePayload } from "./payload.ts";

interface SessionOptions extends Omit<LinkLabOptions, "count"> {
  readonly nodes: number;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}

/** The time limit of a run: a multiple of what one server needs for all nodes at the links' rate, plus a constant. */
const PATIENCE = 2;
const GRACE_MS = 120_000;
/** The assumed rate of unlimited links, for a slow machine. */
const LEAST_RATE_MBIT = 400;

export class Session implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #lab: LinkLab;
  readonly #directory: string;
  readonly #payload: { readonly seed: string; readonly torrent: string };
  readonly #options: SessionOptions;

  private constructor(options: SessionOptions, parts: {
    stack: AsyncDisposableStack;
    lab: LinkLab;
    directory: string;
    payload: { seed: string; torrent: string };
  }) {
    this.#options = options;
    this.#stack = parts.stack;
    this.#lab = parts.lab;
    this.#directory = parts.directory;
    this.#payload = parts.payload;
  }

  static async open(name: string, options: SessionOptions): Promise<Session> {
    await using stack = new AsyncDisposableStack();
    // In memory, so that links and processors are measured, but no disk.
    const directory = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-bench-" });
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    const lab = stack.use(await LinkLab.make(name, { ...options, count: options.nodes + 1 }));
    const { sizeBytes } = options;
    const payload = await makePayload(directory, { sizeBytes, serverAddress: lab.address(0) });
    return new Session(options, { stack: stack.move(), lab, directory, payload });
  }

  async run(engine: Engine, nodes: number, { powerCut }: { powerCut?: PowerCut } = {}): Promise<Sample> {
    const { sizeBytes, rateMbit = LEAST_RATE_MBIT, secondRack, signal } = this.#options;
    signal.throwIfAborted();
    const slowest = Math.min(rateMbit, secondRack?.betweenMbit ?? rateMbit);
    const timeoutMs = GRACE_MS + PATIENCE * nodes * sizeBytes * 8 / slowest / 1000;
    const scratch = await Deno.makeTempDir({ dir: this.#directory });
    try {
      const place = { lab: this.#lab, scratch, nodes, ...this.#payload };
      return await measure(engine, { place, ...powerCut && { powerCut }, timeoutMs, signal });
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
