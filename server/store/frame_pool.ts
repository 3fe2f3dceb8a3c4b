import type {
  Answer,
  Assignment,
  CheckJob,
  CutJob,
  Job,
  Outcome,
  Reply,
  SealedUpload,
} from "./frame_jobs.ts";

interface Waiting {
  readonly id: number;
  readonly job: Job;
  readonly transfer: Transferable[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface PoolWorker {
  readonly worker: Worker;
  /** By number of the job. */
  readonly running: Map<number, Waiting>;
}

/** Two for each worker: the next job is there when one is done. */
const JOBS_PER_WORKER = 2;

/** Workers for frames, one a core, started one by one with the first jobs, or all ahead of them. */
export class FramePool implements Disposable {
  readonly size: number;
  readonly #workers: PoolWorker[] = [];
  readonly #queue: Waiting[] = [];
  /** Proofs; they wait until nobody waits for anything else. */
  readonly #idleQueue: Waiting[] = [];
  #lastId = 0;
  #closed = false;

  constructor({ workers = navigator.hardwareConcurrency }: { workers?: number } = {}) {
    this.size = workers;
  }

  /** Starts the workers now: jobs are about to come. */
  start(): void {
    while (this.#workers.length < this.size && !this.#closed) this.#start();
  }

  /** Ends the workers; what was under way is rejected. */
  [Symbol.dispose](): void {
    this.#closed = true;
    const open = [
      ...this.#workers.flatMap((w) => [...w.running.values()]),
      ...this.#queue,
      ...this.#idleQueue,
    ];
    for (const { worker } of this.#workers) worker.terminate();
    for (const { reject } of open) reject(new Error("the server is stopping"));
    this.#workers.length = this.#queue.length = this.#idleQueue.length = 0;
  }

  /** Takes `body` over, with all of its buffer. Throws RangeError where it is malformed or an extent is not what its hash says. */
  async sealUpload(
    body: Uint8Array,
    { key, level }: { key: Uint8Array; level: number },
  ): Promise<SealedUpload> {
    return await this.#run({ kind: "upload", body, key, level }, "upload");
  }

  /** Takes `raw` over. */
  async seal(raw: Uint8Array, { key, level }: { key: Uint8Array; level: number }): Promise<Uint8Array> {
    return (await this.#run({ kind: "seal", raw: whole(raw), key, level }, "seal")).sealed;
  }

  /** What is wrong with a frame on the disk, in words; undefined where it is whole. */
  async check(frame: Omit<CheckJob, "kind">): Promise<string | undefined> {
    return (await this.#run({ kind: "check", ...frame }, "check")).damage;
  }

  /** Parts of a frame on the disk, packed (zstd). Throws where the frame is damaged. */
  async cut(frame: Omit<CutJob, "kind">): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#run({ kind: "cut", ...frame }, "cut")).packed;
  }

  /** SHA-256 (hexadecimal) and size of a file. */
  async hashFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
    return await this.#run({ kind: "hash", path }, "hash");
  }

  async #run<Kind extends Job["kind"]>(job: Job, kind: Kind): Promise<Extract<Reply, { kind: Kind }>> {
    if (this.#closed) throw new Error("the server is stopping");
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const transfer = job.kind === "upload"
      ? [job.body.buffer as ArrayBuffer]
      : job.kind === "seal"
      ? [job.raw.buffer as ArrayBuffer]
      : [];
    const queue = kind === "check" ? this.#idleQueue : this.#queue;
    queue.push({ id: ++this.#lastId, job, transfer, resolve, reject });
    this.#feed();
    const reply = await promise;
    if (reply.kind !== kind) throw new Error(`a frame worker answered ${reply.kind} to ${kind}`);
    return reply as Extract<Reply, { kind: Kind }>;
  }

  #feed(): void {
    while (this.#queue.length + this.#idleQueue.length > 0) {
      const free = this.#workers.reduce<PoolWorker | undefined>(
        (best, w) => best === undefined || w.running.size < best.running.size ? w : best,
        undefined,
      );
      const start = free?.running.size !== 0 && this.#workers.length < this.size;
      const chosen = start ? this.#start() : free;
      if (chosen === undefined || chosen.running.size >= JOBS_PER_WORKER) return;
      const waiting = (this.#queue.shift() ?? this.#idleQueue.shift()) as Waiting;
      chosen.running.set(waiting.id, waiting);
      try {
        const assignment: Assignment = { id: waiting.id, job: waiting.job };
        chosen.worker.postMessage(assignment, waiting.transfer);
      } catch (error) {
        // a buffer that was handed over before: the fault of this job's caller, not of whoever waits next
        chosen.running.delete(waiting.id);
        waiting.reject(error as Error);
      }
    }
  }

  #start(): PoolWorker {
    const worker = new Worker(new URL("./frame_worker.ts", import.meta.url), { type: "module" });
    const entry: PoolWorker = { worker, running: new Map() };
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = entry.running.get(data.id);
      entry.running.delete(data.id);
      if (data.ok) waiting?.resolve(data.reply);
      else waiting?.reject(errorOf(data));
      this.#feed();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#workers.splice(this.#workers.indexOf(entry), 1);
      worker.terminate();
      for (const { reject } of entry.running.values()) {
        reject(new Error(`a frame worker died: ${event.message}`));
      }
      this.#feed();
    };
    this.#workers.push(entry);
    return entry;
  }
}

/** Bytes that are the whole of their buffer, so that it can be handed over. */
function whole(bytes: Uint8Array): Uint8Array {
  const own = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return own ? bytes : bytes.slice();
}

function errorOf({ message, badInput, code }: Extract<Outcome, { ok: false }>): Error {
  if (badInput) return new RangeError(message);
  return Object.assign(new Error(message), code !== undefined && { code });
}
