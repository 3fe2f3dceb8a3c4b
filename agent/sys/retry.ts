/** Repeats a call to the server across a network outage or a restart of the server. */
import { getLogger } from "@logtape/logtape";
import { RackseedError } from "#contract/errors.ts";

/** Answers that may change in a moment: HTTP gateway errors, 429, and 503, which also stands for "unreachable". */
const TRANSIENT = new Set([429, 502, 503, 504]);
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8000;

export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** The pauses together; once they exceed this, no new attempt begins. */
  readonly budgetMs: number;
  readonly pause?: Pause;
}

/**
 * Throws the last attempt's error once the budget is spent, and any error that is not transient at once.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { RackseedError } from "#contract/errors.ts";
 * import { withRetry } from "./retry.ts";
 *
 * let attempts = 0;
 * const answer = await withRetry(() => {
 *   if (++attempts === 3) return Promise.resolve("done");
 *   throw new RackseedError("cannot report", { reason: "the server restarts.", remedy: "wait.", status: 503 });
 * }, { signal: new AbortController().signal, budgetMs: 60_000, pause: () => Promise.resolve() });
 * assert.equal(answer, "done");
 * ```
 */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  { signal, budgetMs, pause = pauseFor }: RetryOptions,
): Promise<T> {
  let waitedMs = 0;
  for (let nextMs = FIRST_PAUSE_MS;; nextMs = Math.min(nextMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const isTransient = error instanceof RackseedError && TRANSIENT.has(error.status);
      if (!isTransient || waitedMs >= budgetMs) throw error;
      getLogger(["rackseed", "agent"]).warn("retry", { reason: error.reason, waitedMs });
      const ms = nextMs * (0.5 + Math.random() / 2);
      await pause(ms, signal);
      waitedMs += ms;
    }
  }
}

/** Resolves after this time; rejects with the reason as soon as `signal` aborts. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = () => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener("abort", stop);
    resolve();
  }, ms);
  signal.addEventListener("abort", stop, { once: true });
  return promise;
}
