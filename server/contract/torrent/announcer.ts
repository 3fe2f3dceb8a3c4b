import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import type { Announce, AnnounceEvent, AnnounceRequest, AnnounceResponse } from "./announce.ts";
import type { Clock } from "./ports.ts";

const RETRY_MS = { first: 1_000, max: 30_000 };

/**
 * Keeps the trackers told and asks them for peers. Tiers as in BEP 12: the first tracker that answers is
 * enough, and it is asked first the next time.
 */
export class Announcer {
  readonly #announce: Announce;
  readonly #clock: Clock;
  readonly #request: () => AnnounceRequest;
  readonly #onResponse: (response: AnnounceResponse) => void;
  #urls: readonly string[];
  /** Ends the present wait: there is an event to tell. */
  #nudge = new AbortController();
  #completed = false;

  constructor(
    urls: readonly string[],
    { announce, clock, request, onResponse }: {
      announce: Announce;
      clock: Clock;
      /** The present figures. */
      request: () => AnnounceRequest;
      onResponse: (response: AnnounceResponse) => void;
    },
  ) {
    this.#urls = urls;
    this.#announce = announce;
    this.#clock = clock;
    this.#request = request;
    this.#onResponse = onResponse;
  }

  /** Announces until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let event: AnnounceEvent | undefined = "started";
    let retryMs = RETRY_MS.first;
    while (!signal.aborted && this.#urls.length > 0) {
      this.#nudge = new AbortController();
      if (event === undefined && this.#completed) {
        event = "completed";
        this.#completed = false;
      }
      const response = await this.#announceOnce(event, signal);
      if (response) {
        event = undefined;
        retryMs = RETRY_MS.first;
        this.#onResponse(response);
      }
      if (this.#completed && response) continue;
      const waitMs = response ? response.intervalSeconds * 1000 : retryMs;
      if (!response) retryMs = Math.min(RETRY_MS.max, retryMs * 2);
      await this.#clock.sleep(waitMs, AbortSignal.any([signal, this.#nudge.signal]));
    }
  }

  /** The download is complete: told at once. */
  complete(): void {
    this.#completed = true;
    this.#nudge.abort();
  }

  /** Says good-bye to the tracker that answered last. */
  async stop(signal: AbortSignal): Promise<void> {
    const [url] = this.#urls;
    if (url === undefined) return;
    const request: AnnounceRequest = { ...this.#request(), event: "stopped", numWant: 0 };
    // A tracker that is gone forgets us by itself.
    await this.#announce(url, { request, signal }).catch(() => {});
  }

  async #announceOnce(
    event: AnnounceEvent | undefined,
    signal: AbortSignal,
  ): Promise<AnnounceResponse | undefined> {
    const request = { ...this.#request(), ...(event ? { event } : {}) };
    for (const url of this.#urls) {
      try {
        const response = await this.#announce(url, { request, signal });
        this.#urls = [url, ...this.#urls.filter((other) => other !== url)];
        return response;
      } catch (error) {
        if (signal.aborted) return undefined;
        getLogger(["rackseed", "swarm"]).warn("announce-failed", { url, error: messageOf(error) });
      }
    }
    return undefined;
  }
}
