/** A standby follows its server: connects, applies what comes, reports, and connects again. */
import { getLogger } from "@logtape/logtape";
import type { Following } from "#contract/api/standbys.ts";
import { ApiClient } from "#contract/client.ts";
import { messageOf } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import { Mirror } from "./mirror.ts";
import { decodeRecords, type RecordOf } from "./records.ts";
import { Replica } from "./replica.ts";
import { type Follows, writeStanding } from "./standing_file.ts";

const log = getLogger(["rackseed", "standby"]);
/** A server that lives says so several times a second. */
const SILENCE_MS = 10_000;
const ANSWER_MS = 20_000, AGAIN_MS = 500;
/** How often the time at which the server was heard is written down. */
const NOTE_MS = 1000;

export class Follower implements AsyncDisposable {
  readonly #data: string;
  readonly #replica: Replica;
  readonly #mirror: Mirror;
  readonly #now: () => number;
  readonly #port: () => number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #standing: Follows;
  #notedMs = 0;
  #isConnected = false;
  /** What is to be reported, and the call that does so. */
  #last: { readonly stream: string; readonly number: number; readonly atMs: number } | undefined;
  #report: Promise<unknown> | undefined;
  #problem = "";
  readonly #ready = Promise.withResolvers<void>();

  /** The caller has locked the directory. `port`: where the standby itself can be asked; 0 while it cannot. */
  constructor(
    data: string,
    { standing, port, now }: { standing: Follows; port: () => number; now: () => number },
  ) {
    this.#data = data;
    this.#standing = standing;
    this.#port = port;
    this.#now = now;
    this.#replica = new Replica(data);
    this.#mirror = new Mirror(data, { now });
    if (this.#replica.isWhole) this.#ready.resolve();
    this.#running = this.#run();
  }

  /** Resolves when a whole copy has arrived: the standby could take over. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Why it last lost its server, or did not reach it; "" if it never did. */
  get problem(): string {
    return this.#problem;
  }

  get standing(): Follows {
    return this.#standing;
  }

  view(): Following {
    const { server, heardMs } = this.#standing;
    return {
      server,
      isConnected: this.#isConnected,
      isReady: this.#replica.isWhole,
      ...(heardMs !== undefined && { heard: new Date(heardMs).toISOString() }),
      missingFiles: this.#mirror.missing,
    };
  }

  /** Waits until the server has ended the stream, for this long at most. */
  async drained(timeoutMs: number): Promise<void> {
    const untilMs = this.#now() + timeoutMs;
    while (this.#isConnected && this.#now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#mirror.ended();
    await this.#report;
    this.#replica[Symbol.dispose]();
    writeStanding(this.#data, this.#standing);
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow();
        this.#problem = "the server ended the connection";
      } catch (error) {
        this.#problem = messageOf(error);
        if (!this.#stop.signal.aborted) log.warn("not-following", { error: this.#problem });
      }
      this.#isConnected = false;
      if (this.#stop.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * (0.5 + Math.random())));
    }
  }

  async #follow(): Promise<void> {
    const { server, pin, secret } = this.#standing;
    const line = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, line.signal]);
    using client = await ApiClient.connect({ server, token: formatToken({ pin, secret }), signal });
    const json = { position: this.#replica.position, files: this.#replica.digests() };
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => line.abort(new Error(`silent for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    };
    try {
      const response = await client.send("POST", "/standbys/follow", { json, signal, answerMs: ANSWER_MS });
      this.#isConnected = true;
      log.info("following", { server });
      let stream = "";
      for await (const { head, payload } of decodeRecords(response.body ?? new ReadableStream())) {
        heard();
        this.#replica.apply(head, payload);
        if (head.type === "hello") {
          stream = head.stream;
          this.#standing = { ...this.#standing, epoch: head.epoch };
        }
        if (head.type === "content") this.#mirror.want(head.files, { client, signal });
        if (head.type === "alive") this.#alive(head, { client, stream, signal });
      }
    } finally {
      clearTimeout(silence);
      line.abort(new Error("the connection has ended"));
      await this.#mirror.ended();
      await this.#report;
    }
  }

  #alive(
    { atMs, number }: RecordOf<"alive">,
    { client, stream, signal }: { client: ApiClient; stream: string; signal: AbortSignal },
  ): void {
    this.#standing = { ...this.#standing, heardMs: atMs };
    this.#ready.resolve();
    if (this.#now() - this.#notedMs >= NOTE_MS) {
      this.#notedMs = this.#now();
      writeStanding(this.#data, this.#standing);
    }
    this.#last = { stream, number, atMs };
    this.#report ??= this.#sendReports(client, signal).catch((error) => {
      if (!signal.aborted) log.debug("report-lost", { error: messageOf(error) });
    }).finally(() => this.#report = undefined);
  }

  /** The newest one, and again if a newer one came meanwhile. */
  async #sendReports(client: ApiClient, signal: AbortSignal): Promise<void> {
    for (let sent: unknown = undefined; this.#last !== undefined && this.#last !== sent;) {
      sent = this.#last;
      const json = { ...this.#last, port: this.#port(), missingFiles: this.#mirror.missing };
      await (await client.send("POST", "/standbys/report", { json, signal })).body?.cancel();
    }
  }
}
