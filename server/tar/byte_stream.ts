/** Reads exact numbers of bytes from a stream of chunks. */
export class ByteStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk = new Uint8Array(0);
  #consumed = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Bytes read so far. */
  get consumed(): number {
    return this.#consumed;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Fills `into`; returns the bytes read, fewer only at the end of the stream. */
  async read(into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.length) {
      if (this.#chunk.length === 0) {
        const { value, done: ended } = await this.#reader.read();
        if (ended) break;
        this.#chunk = value as Uint8Array<ArrayBuffer>;
        continue;
      }
      const part = this.#chunk.subarray(0, into.length - done);
      into.set(part, done);
      this.#chunk = this.#chunk.subarray(part.length);
      done += part.length;
    }
    this.#consumed += done;
    return done;
  }

  /** Throws RangeError at the end of the stream. */
  async readFully(into: Uint8Array): Promise<void> {
    if (await this.read(into) < into.length) throw new RangeError("it is cut off");
  }

  async skip(sizeBytes: number): Promise<void> {
    const waste = new Uint8Array(Math.min(sizeBytes, 65_536));
    for (let left = sizeBytes; left > 0; left -= waste.length) {
      await this.readFully(waste.subarray(0, Math.min(left, waste.length)));
    }
  }
}
