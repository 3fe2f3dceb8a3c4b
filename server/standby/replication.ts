/** The serving server's side: who follows it, how far each is, and whether another server has taken over. */
import { getLogger } from "@logtape/logtape";
import type { Notice } from "#contract/api/notices.ts";
import type {
  FollowReport,
  FollowRequest,
  StandbyOverview,
  StandbyToken,
  StandbyView,
  Standing,
} from "#contract/api/standbys.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Epochs } from "../store/epochs.ts";
import type { SigningKey } from "../store/keys.ts";
import type { Standbys } from "../store/standbys.ts";
import { epochOf, epochStatement } from "./epoch.ts";
import { send } from "./send.ts";
import { ContentPath } from "./records.ts";
import type { Place, WalSource } from "./wal_source.ts";

const log = getLogger(["rackseed", "standby"]);
/** Longest that an answer waits until a standby has what it says; then the standby counts as too slow for a while. */
const KEPT_MS = 1000;
/** A standby that has not reported for this long is away. */
const AWAY_MS = 10_000;
const TICK_MS = 1000;

interface ReplicationOptions {
  readonly source: WalSource;
  readonly data: string;
  readonly standbys: Standbys;
  readonly epochs: Epochs;
  readonly signingKey: SigningKey;
  readonly pin: string;
  /** Files of images that standbys need not copy. */
  readonly isElsewhere: (path: string) => boolean;
  readonly notices: { set(key: string, notice: Notice | undefined): void };
  readonly closing: AbortSignal;
  readonly now: () => number;
}

interface Stream {
  readonly id: string;
  readonly stop: AbortController;
  sent: Place | undefined;
  /** What the standby has on its disk. */
  number: number;
  /** It had everything when it last reported, so that answers may wait for it. */
  keepsUp: boolean;
  /** Somebody waits for it. */
  isAwaited: boolean;
}

/** The last report of a standby, kept when it is away. */
interface Report {
  readonly atMs: number;
  readonly behindMs: number;
  readonly missingFiles: number;
}

export class Replication implements Disposable {
  readonly #options: ReplicationOptions;
  readonly #streams = new Map<string, Stream>();
  readonly #reports = new Map<string, Report>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #startedMs: number;
  readonly epoch: number;
  /** Of this server's epoch. */
  readonly statement: string;
  readonly #superseded = Promise.withResolvers<void>();
  #later: RackseedError | undefined;
  #wake = Promise.withResolvers<void>();
  #reported = Promise.withResolvers<void>();

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.epoch = options.epochs.current;
    this.statement = epochStatement(this.epoch, options.signingKey);
    this.#startedMs = options.now();
    this.#holdLog();
    this.#superseded.promise.catch(() => {});
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { stop } of this.#streams.values()) stop.abort();
  }

  /** Rejects if another server has taken over. */
  get superseded(): Promise<void> {
    return this.#superseded.promise;
  }

  standing(): Standing {
    return { role: "serves", epoch: this.epoch };
  }

  overview(): StandbyOverview {
    const tookOver = this.#options.epochs.last();
    return { ...this.standing(), standbys: this.#views(), ...(tookOver && { tookOver }) };
  }

  /** Takes the epoch that a call came with. Throws RackseedError (503) once a later one has been seen. */
  admit(statement: string | undefined): void {
    if (this.#later) throw this.#later;
    if (statement === undefined || statement === this.statement) return;
    const epoch = epochOf(statement, this.#options.signingKey);
    if (epoch === undefined || epoch <= this.epoch) return;
    this.#later = supersededBy(epoch, { own: this.epoch });
    log.error("superseded", { epoch, own: this.epoch });
    this.#superseded.reject(this.#later);
    throw this.#later;
  }

  add(name: string): StandbyToken {
    const { secret, expires } = this.#options.standbys.add(name);
    this.#holdLog();
    return { name, token: formatToken({ pin: this.#options.pin, secret }), expires };
  }

  enrol(token: string): { name: string; secret: string } {
    const enrolled = this.#options.standbys.enrol(token);
    this.#streams.get(enrolled.name)?.stop.abort();
    return enrolled;
  }

  /** Throws RackseedError (404). */
  remove(name: string): void {
    if (!this.#options.standbys.remove(name)) {
      throw new RackseedError(`cannot remove the standby ${name}`, {
        reason: "there is none of that name.",
        remedy: "see `rackseed server standby list`.",
        status: 404,
      });
    }
    this.#streams.get(name)?.stop.abort();
    this.#reports.delete(name);
    this.#holdLog();
    this.#options.notices.set(`standby:${name}`, undefined);
  }

  /** Everything the standby lacks, and every change from then on. Throws RackseedError (401). */
  follow(secret: string, { position, files }: FollowRequest): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { source, data, standbys, isElsewhere, closing, now } = this.#options;
    const name = standbys.named(secret), id = crypto.randomUUID();
    this.#streams.get(name)?.stop.abort();
    const stop = new AbortController();
    const stream: Stream = { id, stop, sent: undefined, number: -1, keepsUp: false, isAwaited: false };
    this.#streams.set(name, stream);
    log.info("followed", { standby: name });
    const records = send({
      stream: id,
      epoch: this.epoch,
      source,
      data,
      position,
      files,
      isElsewhere,
      onSent: (place) => stream.sent = place,
      wake: async () => {
        if (!stream.isAwaited) await this.#wake.promise;
        stream.isAwaited = false;
      },
      signal: AbortSignal.any([closing, stop.signal]),
      now,
    });
    return ReadableStream.from(this.#until(records, { name, stream }));
  }

  report(
    secret: string,
    { stream: id, number, atMs, port, missingFiles }: FollowReport,
    { address }: { address: string },
  ): void {
    const name = this.#options.standbys.named(secret), nowMs = this.#options.now();
    this.#reports.set(name, { atMs: nowMs, behindMs: Math.max(0, nowMs - atMs), missingFiles });
    const host = address.includes(":") ? `[${address}]` : address;
    if (port > 0) this.#options.standbys.noteUrl(name, `https://${host}:${port}`);
    const stream = this.#streams.get(name);
    if (stream?.id !== id) return;
    stream.number = number;
    stream.keepsUp = true;
    this.#reported.resolve();
    this.#reported = Promise.withResolvers();
  }

  /** Throws RackseedError (401). */
  knows(secret: string): void {
    this.#options.standbys.named(secret);
  }

  /** The path of a published file. Throws RackseedError (404). */
  content(path: string): string {
    if (ContentPath.safeParse(path).success) return `${this.#options.data}/${path}`;
    throw new RackseedError(`cannot send ${path}`, {
      reason: "it is not a file of an image.",
      remedy: "use the same version of Rackseed on both servers.",
      status: 404,
    });
  }

  /**
   * Resolves when every standby that keeps up has all that was committed until now, so that what an answer says is not
   * lost with this server; after a second in any case.
   */
  async kept(): Promise<void> {
    const { source, now } = this.#options;
    if (this.#waitingFor(0).length === 0) return;
    const number = source.numberOf(source.end()), untilMs = now() + KEPT_MS;
    for (;;) {
      const waiting = this.#waitingFor(number);
      if (waiting.length === 0) return;
      for (const stream of waiting) stream.isAwaited = true;
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, Math.max(0, untilMs - now()));
      await Promise.race([this.#reported.promise, late.promise]);
      clearTimeout(timer);
      if (now() < untilMs) continue;
      for (const stream of waiting) stream.keepsUp = false;
      log.warn("standby-too-slow", { standbys: waiting.length, waitedMs: KEPT_MS });
      return;
    }
  }

  #holdLog(): void {
    const { source, standbys } = this.#options;
    source.hold(standbys.list().length > 0);
  }

  #waitingFor(number: number): Stream[] {
    const all = [...this.#streams.values()].filter(({ keepsUp }) => keepsUp);
    return number === 0 ? all : all.filter((stream) => stream.number < number);
  }

  async *#until(
    records: AsyncGenerator<Uint8Array<ArrayBuffer>>,
    { name, stream }: { name: string; stream: Stream },
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      yield* records;
    } finally {
      if (this.#streams.get(name) === stream) this.#streams.delete(name);
      this.#reported.resolve();
      this.#reported = Promise.withResolvers();
      log.info("not-followed", { standby: name });
    }
  }

  #views(): StandbyView[] {
    return this.#options.standbys.list().map(({ name, url, added, isEnrolled }) => {
      const report = this.#reports.get(name), ageMs = this.#options.now() - (report?.atMs ?? -Infinity);
      const state = !isEnrolled
        ? "not enrolled"
        : ageMs < AWAY_MS
        ? "follows"
        : this.#streams.has(name)
        ? "catching up"
        : "away";
      return {
        name,
        added,
        state,
        ...(url !== null && { url }),
        ...(report && { behindMs: report.behindMs + (state === "follows" ? 0 : ageMs) }),
        ...(report && { missingFiles: report.missingFiles }),
      };
    });
  }

  #tick(): void {
    const { source, notices, now, epochs } = this.#options;
    const views = this.#views();
    if (views.length > 0) source.tidy([...this.#streams.values()].flatMap(({ sent }) => sent ?? []));
    const isEarly = now() - this.#startedMs < 2 * AWAY_MS;
    for (const { name, url, state, behindMs } of views) {
      const hasFollowed = url !== undefined && !isEarly;
      const isMissing = hasFollowed && (state === "away" || state === "catching up");
      notices.set(`standby:${name}`, isMissing ? awayNotice(name, behindMs) : undefined);
    }
    const tookOver = epochs.last(), isFollowed = views.some(({ state }) => state === "follows");
    notices.set("take-over", tookOver && !isFollowed ? takeOverNotice(tookOver) : undefined);
  }
}

/** Why a server must not go on. */
export function supersededBy(epoch: number, { own }: { own: number }): RackseedError {
  return new RackseedError("cannot serve", {
    reason:
      `another server of this site has taken over (epoch ${epoch}; this one knows ${own}). It decides now.`,
    remedy: "let this machine follow it: `rackseed server standby add NAME` there, then here " +
      "`rackseed server join https://HOST:8443 --token TOKEN --force`.",
    status: 503,
  });
}

function awayNotice(name: string, behindMs: number | undefined): Notice {
  return {
    subject: `standby ${name}`,
    problem: behindMs === undefined
      ? "it does not follow this server"
      : "it no longer follows this server: what happens now is not copied to it",
    remedy: `start it, or check the network to it; if it is gone: rackseed server standby remove ${name}`,
  };
}

function takeOverNotice(
  { began, heard, of, standby }: { began: string; heard: string; of: string; standby: string },
): Notice {
  return {
    subject: "take-over",
    problem: `${standby} took over from ${of} at ${began}; what that server did after ${heard} is not here`,
    remedy:
      "look whether the last orders before that are here (the audit log), and give this server a standby: " +
      "rackseed server standby add NAME",
  };
}
