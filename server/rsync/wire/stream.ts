import { type ByteSource, int32, WireError } from "./integers.ts";

/** Kinds of frames (rsync.h). All but `data` may come between any two bytes of the data. */
export const MESSAGE = {
  data: 0,
  transferError: 1,
  info: 2,
  error: 3,
  warning: 4,
  ioError: 22,
  ioTimeout: 33,
  noop: 42,
  /** The sender of the message gives up, with an exit code (int). Since protocol 31. */
  errorExit: 86,
  success: 100,
  deleted: 101,
  /** A file of the list (int) cannot be sent. Since protocol 30. */
  noSend: 102,
} as const;

/** Added to a frame's kind on the wire (MPLEX_BASE). */
const FRAME_BASE = 7;
const MAX_FRAME_BYTES = 32 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;
const FULL_BYTES = 256 * 1024;
const READ_BYTES = 32 * 1024;
/** Before framing, a client sends only a few lines; a small buffer keeps a flood of silent clients cheap. */
const FIRST_READ_BYTES = 4 * 1024;
/** How long the client may take to read what we sent last. */
const FAREWELL_MS = 1000;

/** Deno.TcpConn is one. */
export interface Duplex {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

interface StreamLimits {
  /** How long a single read or write may take. */
  readonly idleMs: number;
  /** How long the session may take, however busy it is; see `limit`. */
  readonly totalMs: number;
  /** How many bytes may come in. */
  readonly maxReadBytes: number;
}

/**
 * One rsync connection: plain bytes at first, frames later. A frame is its length (3 bytes), its kind (1 byte) and its
 * content. Frames of kind `data` carry the session's data. A peer that is too slow or sends too much is cut off.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { int32, readInt32 } from "#rsync/integers.ts";
 * import { MESSAGE, RsyncStream } from "#rsync/stream.ts";
 *
 * // sends back what it receives
 * const buffer: number[] = [];
 * const echo = {
 *   read: (into: Uint8Array) => {
 *     into.set(buffer);
 *     return Promise.resolve(buffer.splice(0).length);
 *   },
 *   write: (bytes: Uint8Array) => Promise.resolve(buffer.push(...bytes) && bytes.length),
 *   closeWrite: () => Promise.resolve(),
 *   close: () => {},
 * };
 * using stream = new RsyncStream(echo, { idleMs: 1000, totalMs: 1000, maxReadBytes: 1000 });
 * const messages: number[] = [];
 * stream.frameOutput();
 * stream.frameInput((kind) => messages.push(kind));
 * stream.message(MESSAGE.info, new Uint8Array(3));
 * stream.write(int32(42));
 * await stream.flush();
 * assert.equal(await readInt32(stream), 42);
 * assert.deepEqual(messages, [MESSAGE.info]);
 * ```
 */
export class RsyncStream implements ByteSource, Disposable {
  readonly #connection: Duplex;
  readonly #limits: StreamLimits;
  #deadline: ReturnType<typeof setTimeout>;
  #cutOff: string | undefined;
  #read = 0;
  #written = 0;
  /** Received and not taken yet. */
  #incoming = new Uint8Array(0);
  /** Bytes left in the current data frame; undefined before framing. */
  #frameLeft: number | undefined;
  #onMessage: (kind: number, bytes: Uint8Array) => void = () => {};
  #framedOutput = false;
  #data: Uint8Array[] = [];
  #dataBytes = 0;
  #frames: Uint8Array[] = [];

  constructor(connection: Duplex, limits: StreamLimits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#deadline = this.#cutOffAfter(limits.totalMs);
  }

  get bytesRead(): number {
    return this.#read;
  }

  get bytesWritten(): number {
    return this.#written;
  }

  /** Whether so much data is buffered that it should be flushed before more is written. */
  get isFull(): boolean {
    return this.#dataBytes >= FULL_BYTES;
  }

  /** Limits the rest of the session to `totalMs`. */
  limit(totalMs: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = this.#cutOffAfter(totalMs);
  }

  /** From now on, input is framed. What `onMessage` throws, `take` throws. */
  frameInput(onMessage: (kind: number, bytes: Uint8Array) => void): void {
    this.#frameLeft = 0;
    this.#onMessage = onMessage;
  }

  /** From now on, output is framed. */
  frameOutput(): void {
    this.#seal();
    this.#framedOutput = true;
  }

  async take(length: number): Promise<Uint8Array> {
    if (length > this.#limits.maxReadBytes) throw new WireError("it sends too much");
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const part = await this.#next(length - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) left -= (await this.#next(left)).length;
  }

  /** The bytes before the next byte `end`, at most `maxBytes`. Only before framing. */
  async readUntil(end: number, { maxBytes }: { maxBytes: number }): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let length = 0;;) {
      if (this.#incoming.length === 0) await this.#fill();
      const at = this.#incoming.indexOf(end);
      const part = at < 0 ? this.#incoming : this.#incoming.subarray(0, at);
      this.#incoming = this.#incoming.subarray(at < 0 ? part.length : at + 1);
      parts.push(part);
      length += part.length;
      if (length > maxBytes) throw new WireError("a line is too long");
      if (at >= 0) return Buffer.concat(parts);
    }
  }

  /** Buffers data for the next `flush`. */
  write(...bytes: Uint8Array[]): void {
    this.#data.push(...bytes);
    for (const { length } of bytes) this.#dataBytes += length;
  }

  message(kind: number, bytes: Uint8Array): void {
    this.#seal();
    this.#frames.push(frameHead(kind, bytes.length), bytes);
  }

  async flush(): Promise<void> {
    this.#seal();
    const bytes = Buffer.concat(this.#frames);
    this.#frames = [];
    for (let at = 0; at < bytes.length;) {
      at += await this.#inTime(() => this.#connection.write(bytes.subarray(at)));
    }
    this.#written += bytes.length;
  }

  /** Flushes, and lets the client read it all: closing a socket with unread input would reset the connection. */
  async finish(): Promise<void> {
    this.limit(FAREWELL_MS);
    await this.flush();
    await this.#connection.closeWrite();
    const waste = new Uint8Array(READ_BYTES);
    while (await this.#connection.read(waste) !== null);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#deadline);
    this.#close();
  }

  /** Some of the session's data, at most `length` bytes. */
  async #next(length: number): Promise<Uint8Array> {
    while (this.#frameLeft === 0) await this.#openFrame();
    const most = Math.min(length, this.#frameLeft ?? length);
    const part = await this.#raw(most);
    if (this.#frameLeft !== undefined) this.#frameLeft -= part.length;
    return part;
  }

  async #openFrame(): Promise<void> {
    const [b0, b1, b2, code] = await this.#rawExactly(4) as unknown as [number, number, number, number];
    const kind = code - FRAME_BASE, length = b0 | b1 << 8 | b2 << 16;
    if (kind === MESSAGE.data) this.#frameLeft = length;
    else if (!KNOWN.has(kind)) throw new WireError("it does not speak rsync");
    else if (length > MAX_MESSAGE_BYTES) throw new WireError("a message is too long");
    else this.#onMessage(kind, await this.#rawExactly(length));
  }

  async #rawExactly(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let left = length; left > 0;) {
      const part = await this.#raw(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  async #raw(length: number): Promise<Uint8Array> {
    if (this.#incoming.length === 0) await this.#fill();
    const part = this.#incoming.subarray(0, length);
    this.#incoming = this.#incoming.subarray(part.length);
    return part;
  }

  async #fill(): Promise<void> {
    const into = new Uint8Array(this.#frameLeft === undefined ? FIRST_READ_BYTES : READ_BYTES);
    const got = await this.#inTime(() => this.#connection.read(into));
    if (got === null) throw new WireError("it closed the connection");
    this.#read += got;
    if (this.#read > this.#limits.maxReadBytes) throw new WireError("it sends too much");
    this.#incoming = into.subarray(0, got);
  }

  /** Turns buffered data into frames, so that a message can follow it. */
  #seal(): void {
    const data = Buffer.concat(this.#data);
    [this.#data, this.#dataBytes] = [[], 0];
    if (!this.#framedOutput) this.#frames.push(data);
    else {
      for (let at = 0; at < data.length; at += MAX_FRAME_BYTES) {
        const part = data.subarray(at, at + MAX_FRAME_BYTES);
        this.#frames.push(frameHead(MESSAGE.data, part.length), part);
      }
    }
  }

  async #inTime<T>(work: () => Promise<T>): Promise<T> {
    const timer = this.#cutOffAfter(this.#limits.idleMs);
    try {
      return await work();
    } catch (error) {
      throw this.#cutOff === undefined ? error : new WireError(this.#cutOff, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  #cutOffAfter(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#cutOff ??= `it took longer than ${ms / 1000} s`;
      this.#close();
    }, ms);
  }

  #close(): void {
    try {
      this.#connection.close();
    } catch {
      // already closed
    }
  }
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(MESSAGE));

function frameHead(kind: number, length: number): Uint8Array {
  return int32((kind + FRAME_BASE) << 24 | length);
}
