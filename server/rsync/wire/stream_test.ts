import assert from "node:assert/strict";
import { WireError } from "./integers.ts";
import { type Duplex, MESSAGE, RsyncStream } from "./stream.ts";

class FakeConnection implements Duplex {
  readonly written: number[] = [];
  closed = false;
  readonly #input: Uint8Array[];
  #ended = Promise.withResolvers<null>();

  /** `input`: one array per read. `silent`: afterwards nothing comes, not even the end. */
  constructor(input: number[][], { silent = false } = {}) {
    this.#input = input.map((piece) => Uint8Array.from(piece));
    if (!silent) this.#ended.resolve(null);
  }
  read(into: Uint8Array): Promise<number | null> {
    const piece = this.#input.shift();
    if (piece === undefined) return this.#ended.promise;
    into.set(piece);
    return Promise.resolve(piece.length);
  }
  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, 5);
    this.written.push(...part);
    return Promise.resolve(part.length);
  }
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.closed = true;
    this.#ended.reject(new Error("closed"));
  }
}

const LIMITS = { idleMs: 60_000, totalMs: 60_000, maxReadBytes: 1000 };

Deno.test("data is read through frames, and messages between them are told apart", async () => {
  const connection = new FakeConnection([
    [104, 105, 10, 2],
    [0, 0, 7, 65, 66, 3, 0],
    [0, MESSAGE.error + 7, 98, 97, 100, 0, 0, 0, 7, 1, 0, 0, 7, 67],
  ]);
  using stream = new RsyncStream(connection, LIMITS);
  const messages: unknown[] = [];
  assert.deepEqual([...await stream.readUntil(10, { maxBytes: 10 })], [104, 105]);
  stream.frameInput((kind, bytes) => messages.push([kind, new TextDecoder().decode(bytes)]));
  assert.deepEqual([...await stream.take(3)], [65, 66, 67]);
  assert.deepEqual(messages, [[MESSAGE.error, "bad"]]);
  await assert.rejects(stream.take(1), /closed the connection/);
});

Deno.test("output is plain at first, then framed, in the order of writing", async () => {
  const connection = new FakeConnection([]);
  using stream = new RsyncStream(connection, LIMITS);
  stream.write(Uint8Array.of(1, 2), Uint8Array.of(3));
  stream.frameOutput();
  stream.write(Uint8Array.of(4), Uint8Array.of(5));
  stream.message(MESSAGE.info, Uint8Array.of(9));
  stream.write(Uint8Array.of(6));
  await stream.flush();
  assert.deepEqual(connection.written, [1, 2, 3, 2, 0, 0, 7, 4, 5, 1, 0, 0, 9, 9, 1, 0, 0, 7, 6]);
  assert.equal(stream.bytesWritten, 19);
});

Deno.test("a client that sends too much, or does not speak rsync, is refused", async () => {
  const take = async (input: number[][], length: number) => {
    using stream = new RsyncStream(new FakeConnection(input), LIMITS);
    stream.frameInput(() => {});
    await stream.take(length);
  };
  await assert.rejects(take([[0, 0, 0, 6]], 1), /does not speak rsync/);
  await assert.rejects(take([[0, 0, 2, MESSAGE.info + 7]], 1), /message is too long/);
  await assert.rejects(take([[1, 0, 0, 7, 1]], 1001), /sends too much/);
  await assert.rejects(take(Array(4).fill([0xff, 0xff, 0, 7, ...Array(400).fill(1)]), 999), /sends too much/);
  using stream = new RsyncStream(new FakeConnection([Array(40).fill(1)]), LIMITS);
  await assert.rejects(stream.readUntil(10, { maxBytes: 39 }), /line is too long/);
});

Deno.test("a silent client is cut off", async () => {
  const connection = new FakeConnection([[1]], { silent: true });
  using stream = new RsyncStream(connection, { ...LIMITS, idleMs: 5 });
  await assert.rejects(
    stream.take(2),
    (error) => error instanceof WireError && /longer than/.test(error.message),
  );
  assert(connection.closed);
});
