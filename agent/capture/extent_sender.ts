/**
 * Sends the extents that the server lacks: gathers contents into batches, asks by hash, puts what is lacking
 * into frames. Some batches and frames are under way at a time; memory is bounded by their number.
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
import { sha256 as hash } from "#native/sha256.ts";
import type { CaptureApi } from "./capture_api.ts";
import type { ExtentSink } from "./capture_source.ts";

/** Calls under way at a time; each holds up to two times MAX_FRAME_BYTES. */
const MAX_UNDER_WAY = 4;
/** So many whole frames may pass what waits for its own to be full: the server lists no file behind a missing one. */
const MAX_PASSING = 8;

export class ExtentSender implements ExtentSink {
  readonly #api: CaptureApi;
  /** All that was ever offered: two files of the same content are sent once. */
  readonly #seen = new Set<string>();
  #batch: UploadedExtent[] = [];
  /** The batch's contents, behind room for the table: as a rule it becomes an upload as it is. */
  #memory = new Uint8Array(MAX_UPLOAD_BYTES);
  #end = MAX_TABLE_BYTES;
  /** What the server lacks and no frame holds yet. */
  #lacking: UploadedExtent[] = [];
  #lackingBytes = 0;
  /** Whole frames that were sent while these wait. */
  #passing = 0;
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #bytesSent = 0;

  constructor(api: CaptureApi) {
    this.#api = api;
  }

  /** Contents of the frames that the server has taken. */
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
    return this.#underWay.size >= MAX_UNDER_WAY || this.#failure !== undefined;
  }

  async drained(): Promise<void> {
    while (this.full && !this.#failure) await Promise.race(this.#underWay);
    if (this.#failure) throw this.#failure.error;
  }

  /** Sends what is left; resolves when the server has everything. */
  async finish(): Promise<void> {
    this.#askForBatch();
    await this.#quiet();
    this.#sendFrame();
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.race(this.#underWay);
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
      const lacking = batch.filter((_, i) => known[i] !== 1);
      if (lacking.length === batch.length && batchBytes * 2 > MAX_FRAME_BYTES) {
        if (this.#lacking.length > 0 && ++this.#passing === MAX_PASSING) this.#sendFrame();
        return this.#send(encodeFrameUploadIn(memory, batch), batchBytes);
      }
      // a few small contents must not keep the whole batch in memory until their frame is full
      const size = (extents: UploadedExtent[]) => extents.reduce((sum, e) => sum + e.content.length, 0);
      const keep = size(lacking) * 2 > batchBytes;
      for (const { sha256, content } of lacking) {
        this.#addLacking({ sha256, content: keep ? content : content.slice() });
      }
    });
  }

  #addLacking(extent: UploadedExtent): void {
    const full = this.#lackingBytes + extent.content.length > MAX_FRAME_BYTES ||
      this.#lacking.length === MAX_FRAME_EXTENTS;
    if (full) this.#sendFrame();
    this.#lacking.push(extent);
    this.#lackingBytes += extent.content.length;
  }

  #sendFrame(): void {
    this.#passing = 0;
    if (this.#lacking.length === 0) return;
    const bytes = this.#lackingBytes;
    const upload = encodeFrameUpload(this.#lacking) as Uint8Array<ArrayBuffer>;
    this.#lacking = [];
    this.#lackingBytes = 0;
    this.#start(() => this.#send(upload, bytes));
  }

  async #send(upload: Uint8Array<ArrayBuffer>, contentBytes: number): Promise<void> {
    await this.#api.frame(upload);
    this.#bytesSent += contentBytes;
  }

  /** Runs beside others; its failure comes out of `drained` and `finish`. */
  #start(call: () => Promise<void>): void {
    if (this.#failure) return;
    const done = call().catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }
}
