import type {
  Answer,
  Assignment,
  CheckJob,
  CutJob,
  Job,
  Outcome,
  Proof,
  ProofJob,
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
  /** By job id. */
  readonly running: Map<number, Waiting>;
}

/** Two for each worker, so that it never waits for its next job. */
const JOBS_PER_WORKER = 2;

/** One worker per core for the work on frames. They start one by one with the first jobs, or all in advance. */
export class FramePool implements Disposable {
  readonly size: number;
  readonly #workers: PoolWorker[] = [];
  readonly #queue: Waiting[] = [];
  /** Checks of frames; they run only when the other queue is empty. */
  readonly #idleQueue: Waiting[] = [];
  #lastId = 0;
  #closed = false;

  constructor({ workers = navigator.hardwareConcurrency }: { workers?: number } = {}) {
    this.size = workers;
  }

  /** Starts the workers now, because jobs are about to arrive. */
  start(): void {
    while (this.#workers.length < this.size && !this.#closed) this.#start();
  }

  /** Ends the workers and rejects unfinished jobs. */
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

  /**
   * Takes ownership of `body` and its whole buffer. Throws RangeError if it is malformed or an extent does not match
   * its hash.
   */
  async sealUpload(
    body: Uint8Array,
    { key, level }: { key: Uint8Array; level: number },
  ): Promise<SealedUpload> {
    return await this.#run({ kind: "upload", body, key, level }, "upload");
  }

  /** Takes ownership of `raw`. */
  async seal(raw: Uint8Array, { key, level }: { key: Uint8Array; level: number }): Promise<Uint8Array> {
    return (await this.#run({ kind: "seal", raw: whole(raw), key, level }, "seal")).sealed;
  }

  /** What is wrong with a frame on the disk, as text; undefined if it is intact. */
  async check(frame: Omit<CheckJob, "kind">): Promise<string | undefined> {
    return (await this.#run({ kind: "check", ...frame }, "check")).damage;
  }

  /** Reads a stretch of a pack back and checks it. */
  async prove(stretch: Omit<ProofJob, "kind">): Promise<Proof> {
    return await this.#run({ kind: "proof", ...stretch }, "proof");
  }

  /** Parts of a frame on the disk, packed (zstd). Throws if the frame is damaged. */
  async cut(frame: Omit<CutJob, "kind">): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#run({ kind: "cut", ...frame }, "cut")).packed;
  }

  /** SHA-256 (hexadecimal) and size of a file. */
  async hashFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
    return await this.#run({ kind: "hash", path }, "hash");
  }

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return this.#queue.length + this.#idleQueue.length;
  }

  async #run<Kind extends Job["kind"]>(job: Job, kind: Kind): Promise<Extract<Reply, { kind: Kind }>> {
    if (this.#closed) throw new Error("the server is stopping");
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const transfer = job.kind === "upload"
      ? [job.body.buffer as ArrayBuffer]
      : job.kind === "seal"
      ? [job.raw.buffer as ArrayBuffer]
      : [];
    const queue = kind === "check" || kind === "proof" ? this.#idleQueue : this.#queue;
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
        // the buffer was transferred before: the fault of this job's caller, not of the next in line
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

/** The bytes in a buffer of their own, so that it can be transferred. */
function whole(bytes: Uint8Array): Uint8Array {
  const own = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return own ? bytes : bytes.slice();
}

function errorOf({ message, badInput, code }: Extract<Outcome, { ok: false }>): Error {
  if (badInput) return new RangeError(message);
  return Object.assign(new Error(message), code !== undefined && { code });
}
