/** How the calling thread spends its time: on the processor, or waiting for something else. */

/** Of proc(5): nanoseconds on a processor, nanoseconds ready but waiting for one, number of time slices. */
export const THREAD_STATISTICS = "/proc/thread-self/schedstat";
/** The same for the main thread. */
const MAIN_THREAD_STATISTICS = "/proc/self/schedstat";

interface ThreadTime {
  /** On a processor, or ready and waiting for its turn. */
  readonly busyMs: number;
  /** In the kernel, waiting for a disk or the like. */
  readonly blockedMs: number;
}

/** Measures from now on. Without kernel statistics, all time counts as blocked. */
export function startThreadClock(
  { path = THREAD_STATISTICS, now = () => performance.now() } = {},
): { stop(): ThreadTime } {
  const startedMs = now(), busyBefore = busyMsOf(path);
  return {
    stop() {
      const wholeMs = now() - startedMs;
      const busyMs = Math.min(wholeMs, Math.max(0, (busyMsOf(path) ?? 0) - (busyBefore ?? 0)));
      return { busyMs, blockedMs: wholeMs - busyMs };
    },
  };
}

/** Undefined if the kernel has no such statistics. */
export function busyMsOf(path: string): number | undefined {
  try {
    const [running = NaN, waiting = NaN] = Deno.readTextFileSync(path).split(" ").map(Number);
    const ms = (running + waiting) / 1e6;
    return Number.isFinite(ms) ? ms : undefined;
  } catch {
    return undefined;
  }
}

/** Processor time of the main thread so far, without its waiting for a processor. */
export function mainThreadMs(): number {
  try {
    return Number(Deno.readTextFileSync(MAIN_THREAD_STATISTICS).split(" ")[0]) / 1e6 || 0;
  } catch {
    return 0;
  }
}
