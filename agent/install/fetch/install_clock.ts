/** Measures what the step "install" spends its time on, so that the report can name the bottleneck. */
import type { InstallTimes } from "#contract/api/distribution.ts";
import type { DownloadProgress } from "./download.ts";
import type { WorkTimes } from "../extract/extract_messages.ts";

interface InstallClockOptions {
  readonly workers: number;
  readonly now: () => number;
  /** CPU time of the main thread so far, ms. */
  readonly mainMs: () => number;
}

export class InstallClock {
  readonly #options: InstallClockOptions;
  readonly #startedMs: number;
  readonly #mainBefore: number;
  #busyMs = 0;
  #blockedMs = 0;
  #fetchMs: number | undefined;

  constructor(options: InstallClockOptions) {
    this.#options = options;
    this.#startedMs = options.now();
    this.#mainBefore = options.mainMs();
  }

  /** Adds the times of a finished job. */
  add({ busyMs, blockedMs }: WorkTimes): void {
    this.#busyMs += busyMs;
    this.#blockedMs += blockedMs;
  }

  /** A worker without a job counts as waiting for frames. */
  times(
    { bytesDone, bytesTotal }: Pick<DownloadProgress, "bytesDone" | "bytesTotal">,
    fetchedBytes: number,
  ): InstallTimes {
    const { workers, now, mainMs } = this.#options;
    const elapsedMs = now() - this.#startedMs;
    if (bytesDone >= bytesTotal) this.#fetchMs ??= elapsedMs;
    const busyMs = Math.round(this.#busyMs), blockedMs = Math.round(this.#blockedMs);
    return {
      workers,
      busyMs,
      blockedMs,
      starvedMs: Math.max(0, Math.round(workers * elapsedMs) - busyMs - blockedMs),
      mainMs: Math.round(mainMs() - this.#mainBefore),
      fetchedBytes,
      fetchMs: Math.round(this.#fetchMs ?? elapsedMs),
    };
  }
}
