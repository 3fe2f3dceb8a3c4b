/** What one node receives, and from whom, out of its reports. Pure: the time is passed in. */
import type { StepReport } from "#contract/api.ts";
import type { TransferSources } from "#contract/api/distribution.ts";

/** Bytes by source. "other": the agent does not say from whom. */
export interface BySource {
  readonly server: number;
  readonly web: number;
  readonly peers: number;
  readonly other: number;
}

export const NOTHING: BySource = { server: 0, web: 0, peers: 0, other: 0 };
export const SOURCES = ["server", "web", "peers", "other"] as const;

/** Rates are measured over about this time. */
const WINDOW_MS = 5000;

interface Sample {
  readonly atMs: number;
  readonly total: BySource;
  readonly from: ReadonlyMap<string, number>;
}

export class TransferTrack {
  /** The oldest is the first. */
  #samples: Sample[] = [];
  /** Address by peer id. */
  readonly #addresses = new Map<string, string>();
  #peerId: string | undefined;
  #isKnown: boolean;

  /** `isFresh`: the first report counts from nothing; else it only says how much had come before. */
  constructor({ isFresh }: { isFresh: boolean }) {
    this.#isKnown = isFresh;
  }

  /** Returns what has come since the report before. */
  note(progress: StepReport["progress"], now: number): BySource {
    if (!progress) return NOTHING;
    const total = totalOf(progress), last = this.#samples.at(-1)?.total ?? (this.#isKnown ? NOTHING : total);
    this.#isKnown = true;
    this.#peerId = progress.sources?.peerId ?? this.#peerId;
    const from = fromOf(progress.sources);
    for (const { peerId, address } of progress.sources?.from ?? []) this.#addresses.set(peerId, address);
    // its agent started over, as after a power cut
    const isAnew = SOURCES.some((source) => total[source] < last[source]);
    if (isAnew) this.#samples = [];
    this.#samples.push({ atMs: now, total, from });
    while ((this.#samples[1]?.atMs ?? now) <= now - WINDOW_MS) this.#samples.shift();
    return isAnew ? total : difference(total, last);
  }

  /** By which the other nodes name it. */
  get peerId(): string | undefined {
    return this.#peerId;
  }

  /** Bytes per second by source. Zero once its reports are older than the window. */
  rates(now: number): BySource {
    const [first, last, seconds] = this.#window(now);
    return first && last ? each(difference(last.total, first.total), (n) => n / seconds) : NOTHING;
  }

  /** Bytes per second from each of the peers that gave it the most. */
  lines(
    now: number,
  ): { readonly peerId: string; readonly address: string; readonly bytesPerSecond: number }[] {
    const [first, last, seconds] = this.#window(now);
    if (!first || !last) return [];
    return [...last.from].flatMap(([peerId, bytes]) => {
      // one that was not named before has given less than those that were
      const bytesPerSecond = (bytes - (first.from.get(peerId) ?? Math.min(bytes, least(first.from)))) /
        seconds;
      const address = this.#addresses.get(peerId) ?? "";
      return bytesPerSecond > 0 ? [{ peerId, address, bytesPerSecond }] : [];
    });
  }

  #window(now: number): [Sample | undefined, Sample | undefined, seconds: number] {
    const [first] = this.#samples, last = this.#samples.at(-1);
    if (!first || !last || first === last || now - last.atMs > 3 * WINDOW_MS) {
      return [undefined, undefined, 1];
    }
    return [first, last, Math.max(0.5, (last.atMs - first.atMs) / 1000)];
  }
}

function totalOf({ bytesDone, webSeedBytes = 0, sources }: NonNullable<StepReport["progress"]>): BySource {
  if (sources) return { server: sources.server, web: sources.web, peers: sources.peers, other: 0 };
  return { server: 0, web: webSeedBytes, peers: 0, other: Math.max(0, bytesDone - webSeedBytes) };
}

function fromOf(sources: TransferSources | undefined): ReadonlyMap<string, number> {
  return new Map(sources?.from.map(({ peerId, bytes }) => [peerId, bytes]));
}

function least(from: ReadonlyMap<string, number>): number {
  return from.size === 0 ? 0 : Math.min(...from.values());
}

function difference(a: BySource, b: BySource): BySource {
  return {
    server: a.server - b.server,
    web: a.web - b.web,
    peers: a.peers - b.peers,
    other: Math.max(0, a.other - b.other),
  };
}

export function each(by: BySource, change: (n: number) => number): BySource {
  const { server, web, peers, other } = by;
  return { server: change(server), web: change(web), peers: change(peers), other: change(other) };
}
