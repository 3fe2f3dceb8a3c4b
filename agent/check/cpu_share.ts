/** Keeps a thread's work to a share of one processor: after each piece of work it rests for as long as that takes. */
import { type Pause, pauseFor } from "../sys/retry.ts";
import { THREAD_STATISTICS } from "../sys/thread_clock.ts";

/** Work that is shorter than this goes on without a rest. */
const PIECE_MS = 10;

interface ShareOptions {
  /** Of one processor, 0 to 1. */
  readonly share: number;
  readonly signal: AbortSignal;
  /** When the work began, on the clock of `now`; processor time that the thread used before counts as work, too. */
  readonly beganMs: number;
  readonly now?: () => number;
  /** Processor time of the thread so far; undefined if the kernel does not tell. */
  readonly cpuMs?: () => number | undefined;
  readonly pause?: Pause;
}

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * let cpu = 0, now = 0;
 * const { signal } = new AbortController();
 * const pause = (ms: number) => Promise.resolve(void (now += ms));
 * const work = new CpuShare({ share: 0.05, signal, beganMs: 0, now: () => now, cpuMs: () => cpu, pause });
 * cpu = now = 50;
 * await work.rest();
 * assert.equal(now, 1000);
 * ```
 */
export class CpuShare {
  readonly #options: Required<ShareOptions>;
  #sinceMs: number;
  #sinceCpuMs = 0;
  #chargedMs = 0;
  #usedMs = 0;

  constructor({ now = () => performance.timeOrigin + performance.now(), ...options }: ShareOptions) {
    this.#options = { cpuMs: threadCpuMs, pause: pauseFor, ...options, now };
    this.#sinceMs = options.beganMs;
  }

  /** Processor time used so far. */
  get usedMs(): number {
    return this.#usedMs;
  }

  /** Another process has worked for this thread. */
  charge(cpuMs: number): void {
    this.#chargedMs += cpuMs;
  }

  /** Returns when the work since the last rest is no more than the share. Rejects with the signal's reason. */
  async rest(): Promise<void> {
    const { now, cpuMs, share, signal, pause } = this.#options;
    const passedMs = now() - this.#sinceMs;
    if (passedMs < PIECE_MS && this.#chargedMs === 0) return;
    const cpu = cpuMs();
    const usedMs = (cpu === undefined ? passedMs : cpu - this.#sinceCpuMs) + this.#chargedMs;
    const owedMs = usedMs / share - passedMs;
    if (owedMs > 0) await pause(owedMs, signal);
    signal.throwIfAborted();
    this.#usedMs += usedMs;
    this.#chargedMs = 0;
    this.#sinceMs = now();
    // what waking up took is work, too
    this.#sinceCpuMs = cpu ?? 0;
  }
}

/** proc_pid_schedstat(5): nanoseconds on a processor come first. */
function threadCpuMs(): number | undefined {
  try {
    const ms = Number(Deno.readTextFileSync(THREAD_STATISTICS).split(" ")[0]) / 1e6;
    return Number.isFinite(ms) ? ms : undefined;
  } catch {
    return undefined;
  }
}
