/**
 * Sends a capture's entries while it goes on, some thousands at a time, in their order; of those that the image's
 * newest version has alike only how many they are.
 */
import { createHash } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import type { CaptureHeader } from "#contract/api.ts";
import { EntryChanges, type EntryLine } from "#contract/format/entry_changes.ts";
import type { CaptureApi } from "./capture_api.ts";

/** What the server reads in one go; every part is some milliseconds of its work. */
const PART_CHARACTERS = 256 << 10;
/** Entries that the server has already are work for it, too. */
const PART_ENTRIES = 2000;
/** Parts that wait to be sent; further ones make the source wait. */
const MAX_WAITING = 8;

export class EntrySender {
  readonly #api: CaptureApi;
  readonly #changes: EntryChanges;
  readonly #hash = createHash("sha256");
  /** Of entries, not hashed yet: once for many lines takes a fraction of the time. */
  #unhashed: string[] = [];
  /** What tells of them. */
  #lines: string[] = [];
  #characters = 0;
  #count = 0;
  #parts = 0;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** `parent`: what the server knows; empty where it knows nothing. */
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

  /** Resolves when all parts so far are sent. Throws where one was refused. */
  async drained(): Promise<void> {
    await this.#last;
    if (this.#failure) throw this.#failure.error;
  }

  /** Resolves when the server has taken all entries and finds nothing missing. */
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
