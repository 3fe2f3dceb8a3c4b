import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import type { Announce, AnnounceEvent, AnnounceRequest, AnnounceResponse } from "./announce.ts";
import type { Clock, Random } from "../ports.ts";

/** Before a tracker that failed is asked again: doubled each time. */
const RETRY_MS = { first: 1_000, max: 30_000 };

interface Tracker {
  readonly url: string;
  /** It has heard "started" from us. */
  knowsUs: boolean;
  failures: number;
  /** Not to be asked before, ms of the clock. */
  notBefore: number;
}

/**
 * Keeps the trackers told and asks them for peers (BEP 12): the tiers in their order, within a tier in an
 * order by chance, the one that answered last first. One answer is enough. A tracker that fails rests for a
 * while; a swarm that has peers goes on without any.
 */
export class Announcer {
  readonly #tiers: Tracker[][];
  readonly #announce: Announce;
  readonly #clock: Clock;
  readonly #request: () => AnnounceRequest;
  readonly #onResponse: (response: AnnounceResponse) => void;
  /** Ends the present wait: there is an event to tell. */
  #nudge = new AbortController();
  #completed = false;

  /** A URL that stands alone is a tier of its own. */
  constructor(
    tiers: readonly (string | readonly string[])[],
    { announce, clock, random, request, onResponse }: {
      announce: Announce;
      clock: Clock;
      random: Random;
      /** The present figures. */
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

  /** The download is complete: told at once. */
  complete(): void {
    this.#completed = true;
    this.#nudge.abort();
  }

  /** Says good-bye to every tracker that knows us. */
  async stop(signal: AbortSignal): Promise<void> {
    const request: AnnounceRequest = { ...this.#request(), event: "stopped", numWant: 0 };
    // A tracker that is gone forgets us by itself.
    const told = this.#all.filter(({ knowsUs }) => knowsUs);
    await Promise.all(told.map(({ url }) => this.#announce(url, { request, signal }).catch(() => {})));
  }

  get #all(): Tracker[] {
    return this.#tiers.flat();
  }

  /** Undefined where no tracker answers. */
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
