import { percentile } from "./percentile.ts";

/** Load on a server: as much as it can handle, or at a given rate regardless ("open loop"). */
export interface LoadShape {
  readonly seconds: number;
  /** Ends early after this many. */
  readonly requests: number;
  /** Requests per second; undefined: each connection sends the next request at once. */
  readonly rate: number | undefined;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly lost: number;
  /** Milliseconds since the request was due, so that waiting for a free connection counts. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Collects the latencies of requests; `due` and `now` are in milliseconds. */
export class Latencies {
  readonly #values: number[] = [];
  #lost = 0;

  add(ms: number): void {
    this.#values.push(ms);
  }

  lose(): void {
    this.#lost++;
  }

  result(seconds: number): LoadResult {
    const at = (share: number) => percentile(this.#values, share);
    return {
      perSecond: this.#values.length / seconds,
      lost: this.#lost,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
    };
  }
}

/**
 * Runs `send` on the connections. With a rate, requests are due at regular intervals and wait for a free connection;
 * the wait is part of their latency.
 */
export async function runLoad(
  connections: readonly ((sequence: number) => Promise<void>)[],
  { seconds, requests, rate }: LoadShape,
): Promise<LoadResult> {
  const latencies = new Latencies();
  const start = performance.now();
  const end = start + seconds * 1000;
  let sequence = 0;
  await Promise.all(connections.map(async (send) => {
    for (;;) {
      const number = sequence++;
      const due = rate === undefined ? performance.now() : start + number * 1000 / rate;
      if (due >= end || number >= requests) return;
      const early = due - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      try {
        await send(number);
        latencies.add(performance.now() - due);
      } catch {
        latencies.lose();
      }
    }
  }));
  return latencies.result((performance.now() - start) / 1000);
}
