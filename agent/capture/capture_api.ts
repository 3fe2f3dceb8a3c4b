/** The calls of a capture (#contract/api.ts, "Template's agent"), each with retries. */
import type { CaptureProgress } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { packFrameUpload } from "#contract/format/frame_upload.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import { release } from "#native/release.ts";
import { pack } from "#native/sealed_codec.ts";
import { type Pause, type RetryOptions, withRetry } from "../sys/retry.ts";

/** The part of ApiClient that captures need. */
export type Api = Pick<ApiClient, "send">;

const RETRY_BUDGET_MS = 120_000;

export class CaptureApi {
  readonly #api: Api;
  readonly #base: string;
  readonly #packLevel: number | undefined;
  readonly #retry: RetryOptions;

  /** `packLevel`: zstd level, if frames are compressed on this side. */
  constructor(api: Api, { capture, packLevel, signal, pause }: {
    capture: string;
    packLevel?: number | undefined;
    signal: AbortSignal;
    pause?: Pause;
  }) {
    this.#api = api;
    this.#packLevel = packLevel;
    this.#base = `/captures/${capture}`;
    this.#retry = { signal, budgetMs: RETRY_BUDGET_MS, ...(pause && { pause }) };
  }

  /** `hashes`: n × 32 bytes. Returns n bytes, 1 for each extent that the server has. */
  async known(hashes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const answer = await this.#call(async (signal) => {
      const response = await this.#api.send("POST", `${this.#base}/known`, { body: hashes, signal });
      return new Uint8Array(await response.arrayBuffer());
    });
    if (answer.length === hashes.length / SHA256_BYTES) return answer;
    throw new RackseedError("cannot understand the server's answer about known extents", {
      reason: `it has ${answer.length} bytes for ${hashes.length / SHA256_BYTES} extents.`,
      remedy: "use the same version of rackseed on both sides (`rackseed version`).",
    });
  }

  /** `upload`: encoded by frame_upload.ts. Takes ownership of it and its whole buffer. */
  async frame(upload: Uint8Array<ArrayBuffer>): Promise<void> {
    const level = this.#packLevel;
    const body = level === undefined ? upload : await packFrameUpload(upload, (raw) => pack(raw, { level }));
    await this.#post("POST", "frames", body);
    release(body);
    release(upload);
  }

  /** Sent without retries: the next report supersedes it. */
  async progress(progress: CaptureProgress): Promise<void> {
    const { signal } = this.#retry;
    const response = await this.#api.send("POST", `${this.#base}/progress`, { json: progress, signal });
    await response.body?.cancel();
  }

  /** `body`: entry lines, compressed with zstd. */
  entriesPart(part: number, body: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#post("POST", `entries/${part}`, body);
  }

  /** `body`: a CaptureHeader, compressed with zstd. */
  entries(body: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#post("PUT", "entries", body);
  }

  #post(method: "POST" | "PUT", path: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#call(async (signal) => {
      const response = await this.#api.send(method, `${this.#base}/${path}`, { body, signal });
      await response.body?.cancel();
    });
  }

  #call<T>(attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withRetry(() => attempt(this.#retry.signal), this.#retry);
  }
}
