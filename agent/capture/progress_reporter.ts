/** Reports the progress of a capture to the server about once a second. */
import type { CaptureProgress } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { CaptureApi } from "./capture_api.ts";

const INTERVAL_MS = 1000;
/** From this status on, the server is in trouble; below it, it refuses the capture. */
const SERVER_ERROR = 500;

export class ProgressReporter {
  readonly #api: CaptureApi;
  readonly #onProgress: ((progress: CaptureProgress) => void) | undefined;
  #next = 0;
  #sending: Promise<void> | undefined;
  #refusal: { readonly error: unknown } | undefined;

  constructor(api: CaptureApi, onProgress?: (progress: CaptureProgress) => void) {
    this.#api = api;
    this.#onProgress = onProgress;
  }

  /** Cheap if no report is due. Throws if the server has refused the capture. */
  report(progress: () => CaptureProgress): void {
    if (this.#refusal) throw this.#refusal.error;
    const now = performance.now();
    if (now < this.#next || this.#sending) return;
    this.#next = now + INTERVAL_MS;
    this.#send(progress());
  }

  async last(progress: CaptureProgress): Promise<void> {
    await this.#sending;
    this.#send(progress);
    await this.#sending;
    if (this.#refusal) throw this.#refusal.error;
  }

  #send(progress: CaptureProgress): void {
    this.#onProgress?.(progress);
    this.#sending = this.#api.progress(progress).catch((error) => {
      const refused = error instanceof RackseedError && error.status < SERVER_ERROR;
      if (refused) this.#refusal = { error };
    }).finally(() => this.#sending = undefined);
  }
}
