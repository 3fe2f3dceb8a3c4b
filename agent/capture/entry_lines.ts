/** Holds a capture's entry lines until all are there: compressed, since a large tree has millions of them. */
import { Readable } from "node:stream";
import { createZstdCompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { CaptureHeader } from "#contract/api.ts";

const CHUNK_CHARACTERS = 1 << 20;

export class EntryLines {
  readonly #chunks: Uint8Array[] = [];
  #lines: string[] = [];
  #characters = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length + 1;
    this.#count++;
    if (this.#characters >= CHUNK_CHARACTERS) this.#compress();
  }

  /** The body of `PUT /captures/:id/entries`: header and lines as one zstd frame. Can be called again. */
  upload(header: CaptureHeader): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#compress();
    const text = Readable.from(this.#text(header), { objectMode: false });
    return Readable.toWeb(text.pipe(createZstdCompress())) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  #compress(): void {
    if (this.#lines.length === 0) return;
    this.#chunks.push(zstdCompressSync(Buffer.from(this.#lines.join("\n") + "\n")));
    this.#lines = [];
    this.#characters = 0;
  }

  *#text(header: CaptureHeader): Generator<Uint8Array> {
    yield Buffer.from(JSON.stringify(header) + "\n");
    for (const chunk of this.#chunks) yield zstdDecompressSync(chunk);
  }
}
