/** Runs jobs of one kind, each with one reply: in a few workers, or in this thread if there is little to do. */
export interface JobRunner<Job, Reply> extends AsyncDisposable {
  /** Resolves when the job has been accepted; `answer` resolves with its reply. */
  submit(job: Job): Promise<{ readonly answer: Promise<Reply> }>;
  /** Every job without a reply, and every further one, fails with `error`. */
  fail(error: unknown): void;
}

/** Jobs that a worker holds: the current one, and the next, so that it never has to wait. */
const JOBS_A_WORKER = 2;

interface Member<Reply> {
  readonly worker: Worker;
  readonly waiting: PromiseWithResolvers<Reply>[];
}

/** Its workers answer every job with one message, in order. */
export class WorkerPool<Job, Reply> implements JobRunner<Job, Reply> {
  readonly #members: readonly Member<Reply>[];
  /** Resolves when any worker has answered or died; then it is replaced by a new one. */
  #change = Promise.withResolvers<void>();
  #failure: { readonly error: unknown } | undefined;

  /** `setup`: the first message to every worker. */
  constructor(start: () => Worker, { count, setup }: { count: number; setup: unknown }) {
    this.#members = Array.from({ length: count }, () => {
      const member: Member<Reply> = { worker: start(), waiting: [] };
      member.worker.onmessage = ({ data }: MessageEvent<Reply>) => {
        member.waiting.shift()?.resolve(data);
        this.#changed();
      };
      member.worker.onerror = (event) => {
        event.preventDefault();
        this.fail(new Error(event.message));
        member.waiting.length = 0;
        this.#changed();
      };
      member.worker.postMessage(setup);
      return member;
    });
  }

  async submit(job: Job): Promise<{ readonly answer: Promise<Reply> }> {
    while (true) {
      if (this.#failure) throw this.#failure.error;
      const member = this.#members.reduce((a, b) => b.waiting.length < a.waiting.length ? b : a);
      if (member.waiting.length < JOBS_A_WORKER) {
        const answer = Promise.withResolvers<Reply>();
        member.waiting.push(answer);
        member.worker.postMessage(job);
        return { answer: answer.promise };
      }
      await this.#change.promise;
    }
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { waiting } of this.#members) for (const answer of waiting) answer.reject(error);
    this.#changed();
  }

  /** Ends the workers after their current jobs; when it resolves, nothing runs any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error("the workers have ended"));
    while (this.#members.some(({ waiting }) => waiting.length > 0)) await this.#change.promise;
    for (const { worker } of this.#members) worker.terminate();
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }
}

/** Runs one job at a time and yields to the event loop after each. */
export class InlineRunner<Job, Reply> implements JobRunner<Job, Reply> {
  readonly #run: (job: Job) => Promise<Reply>;
  #failure: { readonly error: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(run: (job: Job) => Promise<Reply>) {
    this.#run = run;
  }

  async submit(job: Job): Promise<{ readonly answer: Promise<Reply> }> {
    const before = this.#last;
    const answer = before.then(async () => {
      this.#throwIfFailed();
      const reply = await this.#run(job);
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#throwIfFailed();
      return reply;
    });
    this.#last = answer.catch(() => {});
    await before;
    return { answer };
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new Error("the work has ended"));
    await this.#last;
  }
}
