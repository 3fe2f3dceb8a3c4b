import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { Announce, AnnounceEvent, AnnounceRequest, AnnounceResponse } from "./announce.ts";
import type { Clock, Random } from "../ports.ts";

/** How long to wait before retrying a tracker that failed, doubled each time. */
const RETRY_MS = { first: 1_000, max: 30_000 };

interface Tracker {
  readonly url: string;
  /** It has received "started" from us. */
  knowsUs: boolean;
  failures: number;
  /** Not contacted before this time, clock ms. */
  notBefore: number;
}

/**
 * Announces to trackers and asks them for peers (BEP 12): tiers in order, trackers of a tier in random order, but first
 * the one that answered last. One answer is enough. A tracker that fails is left alone for a while. A swarm that has
 * peers works without any tracker.
 */
export class Announcer {
  readonly #tiers: Tracker[][];
  readonly #announce: Announce;
  readonly #clock: Clock;
  readonly #request: () => AnnounceRequest;
  readonly #onResponse: (response: AnnounceResponse) => void;
  /** Cuts the current wait short, since there is an event to announce. */
  #nudge = new AbortController();
  #completed = false;

  /** A single URL is a tier of its own. */
  constructor(
    tiers: readonly (string | readonly string[])[],
    { announce, clock, random, request, onResponse }: {
      announce: Announce;
      clock: Clock;
      random: Random;
      /** The current figures. */
      request: () => AnnounceRequest;
      onResponse: (response: AnnounceResponse) => void;
    },
  ) {
    this.#tiers = tiers.map((tier) =>
      [tier].flat().map((url) => ({ url, rank: random() })).sort((a, b) => a.rank - b.rank)
        .map(({ url }) => ({ url, knowsUs: false, failures: 0, notBefore: 0 }))
    );
    this.#announce = announce;
    this.#clock = clock;
    this.#request = request;
    this.#onResponse = onResponse;
  }

  /** Announces until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#all.length > 0) {
      this.#nudge = new AbortController();
      const response = await this.#announceOnce(signal);
      if (response) this.#onResponse(response);
      if (response && this.#completed) continue;
      const waitMs = response
        ? response.intervalSeconds * 1000
        : Math.min(...this.#all.map(({ notBefore }) => notBefore)) - this.#clock.now();
      await this.#clock.sleep(Math.max(0, waitMs), AbortSignal.any([signal, this.#nudge.signal]));
    }
  }

  /** The download is complete: announces it at once. */
  complete(): void {
    this.#completed = true;
    this.#nudge.abort();
  }

  /** Announces "stopped" to every tracker that knows us. */
  async stop(signal: AbortSignal): Promise<void> {
    const request: AnnounceRequest = { ...this.#request(), event: "stopped", numWant: 0 };
    // errors are ignored: a tracker forgets a silent peer
    const trackers = this.#all.filter(({ knowsUs }) => knowsUs);
    await Promise.all(trackers.map(({ url }) => this.#announce(url, { request, signal }).catch(() => {})));
  }

  get #all(): Tracker[] {
    return this.#tiers.flat();
  }

  /** Undefined if no tracker answers. */
  async #announceOnce(signal: AbortSignal): Promise<AnnounceResponse | undefined> {
    for (const tier of this.#tiers) {
      for (const tracker of [...tier]) {
        if (tracker.notBefore > this.#clock.now()) continue;
        const response = await this.#ask(tracker, signal);
        if (signal.aborted) return undefined;
        if (!response) continue;
        tier.splice(tier.indexOf(tracker), 1);
        tier.unshift(tracker);
        return response;
      }
    }
    return undefined;
  }

  async #ask(tracker: Tracker, signal: AbortSignal): Promise<AnnounceResponse | undefined> {
    const { url } = tracker;
    const event: AnnounceEvent | undefined = !tracker.knowsUs
      ? "started"
      : this.#completed
      ? "completed"
      : undefined;
    const request = { ...this.#request(), ...(event && { event }) };
    try {
      const response = await this.#announce(url, { request, signal });
      tracker.knowsUs = true;
      tracker.failures = 0;
      if (event === "completed") this.#completed = false;
      return response;
    } catch (error) {
      tracker.notBefore = this.#clock.now() +
        Math.min(RETRY_MS.max, RETRY_MS.first * 2 ** tracker.failures++);
      if (!signal.aborted) {
        getLogger(["rackseed", "swarm"]).warn("announce-failed", { url, error: messageOf(error) });
      }
      return undefined;
    }
  }
}
