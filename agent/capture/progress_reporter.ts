/** Tells the server about once a second how far a capture is. */
import type { CaptureProgress } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { CaptureApi } from "./capture_api.ts";

const INTERVAL_MS = 1000;
/** The first problem status that says "unreachable now" and not "this capture is no more". */
const SERVER_TROUBLE = 500;

export class ProgressReporter {
  readonly #api: CaptureApi;
  readonly #onProgress: ((progress: CaptureProgress) => void) | undefined;
  #next = 0;
  #underWay: Promise<void> | undefined;
  #refusal: { readonly error: unknown } | undefined;

  constructor(api: CaptureApi, onProgress?: (progress: CaptureProgress) => void) {
    this.#api = api;
    this.#onProgress = onProgress;
  }

  /** Cheap where nothing is due. Throws where the server has said that it does not want the capture. */
  report(progress: () => CaptureProgress): void {
    if (this.#refusal) throw this.#refusal.error;
    const now = performance.now();
    if (now < this.#next || this.#underWay) return;
    this.#next = now + INTERVAL_MS;
    this.#send(progress());
  }

  async last(progress: CaptureProgress): Promise<void> {
    await this.#underWay;
    this.#send(progress);
    await this.#underWay;
    if (this.#refusal) throw this.#refusal.error;
  }

  #send(progress: CaptureProgress): void {
    this.#onProgress?.(progress);
    this.#underWay = this.#api.progress(progress).catch((error) => {
      const refused = error instanceof RackseedError && error.status < SERVER_TROUBLE;
      if (refused) this.#refusal = { error };
    }).finally(() => this.#underWay = undefined);
  }
}
