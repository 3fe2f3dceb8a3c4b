/**
 * Sends the extents that the server is missing: gathers contents into batches, asks about each batch by hash, and puts
 * missing ones into frames. A few batches and frames are in flight at a time; their number bounds memory.
 */
import {
  encodeFrameUpload,
  encodeFrameUploadIn,
  MAX_FRAME_EXTENTS,
  MAX_TABLE_BYTES,
  MAX_UPLOAD_BYTES,
  type UploadedExtent,
} from "#contract/format/frame_upload.ts";
import { MAX_FRAME_BYTES } from "#contract/format/sealed.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import { release } from "#native/release.ts";
import { sha256 as hash } from "#native/sha256.ts";
import type { CaptureApi } from "./capture_api.ts";
import type { ExtentSink } from "./capture_source.ts";

/** Calls in flight; each holds up to twice MAX_FRAME_BYTES. */
const MAX_IN_FLIGHT = 4;
/** Full frames that may overtake a partly filled one: the server lists no file until the ones before it are there. */
const MAX_OVERTAKING = 8;

export class ExtentSender implements ExtentSink {
  readonly #api: CaptureApi;
  /** Hashes of everything taken so far: equal contents are sent once. */
  readonly #seen = new Set<string>();
  #batch: UploadedExtent[] = [];
  /** The batch's contents, after room for the table: usually becomes an upload without a copy. */
  #memory = new Uint8Array(MAX_UPLOAD_BYTES);
  #end = MAX_TABLE_BYTES;
  /** Missing at the server and not in a frame yet. */
  #missing: UploadedExtent[] = [];
  #missingBytes = 0;
  /** Full frames sent while those wait. */
  #overtaking = 0;
  readonly #inFlight = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #bytesSent = 0;

  constructor(api: CaptureApi) {
    this.#api = api;
  }

  /** Bytes of content in the frames that the server has accepted. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  take(content: Uint8Array): string {
    const digest = hash(content);
    const sha256 = digest.toString("base64url");
    if (this.#seen.has(sha256)) return sha256;
    this.#seen.add(sha256);
    const inPlace = content.buffer === this.#memory.buffer && content.byteOffset === this.#end;
    let kept = content;
    if (!inPlace) {
      kept = this.room(content.length);
      kept.set(content);
    }
    this.#end += kept.length;
    this.#batch.push({ sha256: digest, content: kept });
    return sha256;
  }

  room(sizeBytes: number): Uint8Array {
    const full = this.#end + sizeBytes > MAX_UPLOAD_BYTES || this.#batch.length === MAX_FRAME_EXTENTS;
    if (full) this.#askForBatch();
    return this.#memory.subarray(this.#end, this.#end + sizeBytes);
  }

  get full(): boolean {
    return this.#inFlight.size >= MAX_IN_FLIGHT || this.#failure !== undefined;
  }

  async drained(): Promise<void> {
    while (this.full && !this.#failure) await Promise.race(this.#inFlight);
    if (this.#failure) throw this.#failure.error;
  }

  /** Sends the rest; resolves when the server has everything. */
  async finish(): Promise<void> {
    this.#askForBatch();
    await this.#settled();
    this.#sendFrame();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
    if (this.#failure) throw this.#failure.error;
  }

  #askForBatch(): void {
    const batch = this.#batch, memory = this.#memory, batchBytes = this.#end - MAX_TABLE_BYTES;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#memory = new Uint8Array(MAX_UPLOAD_BYTES);
    this.#end = MAX_TABLE_BYTES;
    const hashes = new Uint8Array(batch.length * SHA256_BYTES);
    batch.forEach(({ sha256 }, i) => hashes.set(sha256, i * SHA256_BYTES));
    this.#start(async () => {
      const known = await this.#api.known(hashes);
      const missing = batch.filter((_, i) => known[i] !== 1);
      if (missing.length === batch.length && batchBytes * 2 > MAX_FRAME_BYTES) {
        if (this.#missing.length > 0 && ++this.#overtaking === MAX_OVERTAKING) this.#sendFrame();
        return this.#send(encodeFrameUploadIn(memory, batch), batchBytes);
      }
      // copied, so that a few small contents do not hold the batch's memory until their frame is full
      const size = (extents: UploadedExtent[]) => extents.reduce((sum, e) => sum + e.content.length, 0);
      const keep = size(missing) * 2 > batchBytes;
      for (const { sha256, content } of missing) {
        this.#addMissing({ sha256, content: keep ? content : content.slice() });
      }
      if (!keep) release(memory);
    });
  }

  #addMissing(extent: UploadedExtent): void {
    const full = this.#missingBytes + extent.content.length > MAX_FRAME_BYTES ||
      this.#missing.length === MAX_FRAME_EXTENTS;
    if (full) this.#sendFrame();
    this.#missing.push(extent);
    this.#missingBytes += extent.content.length;
  }

  #sendFrame(): void {
    this.#overtaking = 0;
    if (this.#missing.length === 0) return;
    const bytes = this.#missingBytes;
    const upload = encodeFrameUpload(this.#missing) as Uint8Array<ArrayBuffer>;
    this.#missing = [];
    this.#missingBytes = 0;
    this.#start(() => this.#send(upload, bytes));
  }

  async #send(upload: Uint8Array<ArrayBuffer>, contentBytes: number): Promise<void> {
    await this.#api.frame(upload);
    this.#bytesSent += contentBytes;
  }

  /** Runs a call concurrently; `drained` and `finish` throw its failure. */
  #start(call: () => Promise<void>): void {
    if (this.#failure) return;
    const done = call().catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
  }
}
