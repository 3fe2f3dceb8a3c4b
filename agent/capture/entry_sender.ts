/**
 * Sends the entries of a capture in order while it runs, some thousands at a time. Entries unchanged since the image's
 * latest version are sent as a count only.
 */
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import type { CaptureHeader } from "#contract/api.ts";
import { EntryChanges, type EntryLine } from "#contract/format/entry_changes.ts";
import type { CaptureApi } from "./capture_api.ts";

/** Size of a part, which the server processes in a few milliseconds. */
const PART_CHARACTERS = 256 << 10;
/** Limit of unchanged entries per part, since those cost the server time too. */
const PART_ENTRIES = 2000;
/** Parts queued for sending before the source has to wait. */
const MAX_WAITING = 8;

export class EntrySender {
  readonly #api: CaptureApi;
  readonly #changes: EntryChanges;
  readonly #hash = createHash("sha256");
  /** Lines not hashed yet: hashing many at once takes a fraction of the time. */
  #unhashed: string[] = [];
  /** The lines of the current part. */
  #lines: string[] = [];
  #characters = 0;
  #count = 0;
  #parts = 0;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** `parent`: the entries of the latest version, which the server has; empty if there is none. */
  constructor(api: CaptureApi, { parent }: { parent: readonly EntryLine[] }) {
    this.#api = api;
    this.#changes = new EntryChanges(parent);
  }

  get count(): number {
    return this.#count;
  }

  add(entry: EntryLine): void {
    this.#unhashed.push(entry.line);
    this.#count++;
    for (const line of this.#changes.add(entry)) this.#push(line);
    if (this.#characters >= PART_CHARACTERS || this.#changes.pending >= PART_ENTRIES) this.#endPart();
  }

  get full(): boolean {
    return this.#waiting >= MAX_WAITING || this.#failure !== undefined;
  }

  /** Resolves when all parts so far are sent. Throws if one was refused. */
  async drained(): Promise<void> {
    await this.#last;
    if (this.#failure) throw this.#failure.error;
  }

  /** Sends the rest and the header; resolves when the server has accepted all entries as complete. */
  async finish(header: Omit<CaptureHeader, "entries" | "sha256">): Promise<void> {
    this.#endPart();
    await this.drained();
    const whole: CaptureHeader = { ...header, entries: this.#count, sha256: this.#hash.digest("hex") };
    await this.#api.entries(compress(JSON.stringify(whole)));
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length + 1;
  }

  #endPart(): void {
    if (this.#unhashed.length > 0) this.#hash.update(this.#unhashed.join("\n") + "\n");
    this.#unhashed = [];
    for (const line of this.#changes.end()) this.#push(line);
    if (this.#lines.length === 0) return;
    const part = this.#parts++;
    const body = compress(this.#lines.join("\n") + "\n");
    this.#lines = [];
    this.#characters = 0;
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      if (this.#failure === undefined) await this.#api.entriesPart(part, body);
    }).catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#waiting--);
  }
}

function compress(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(zstdCompressSync(Buffer.from(text)));
}
