/**
 * What a server sends its standby, one record after the other:
 *
 *     0  length of the JSON, 4 bytes, little-endian
 *     4  JSON: a RecordHead
 *     …  `bytes` bytes
 *
 * After a connection: files that differ; a copy of the database if the standby's log does not fit; then the log as it
 * grows. A file always comes before the transaction that needs it. `alive` says that everything until then was sent.
 */
import { z } from "zod";
import { count, id } from "#contract/api/fields.ts";

const MAX_HEAD_BYTES = 16 << 20;
export const MAX_RECORD_BYTES = 4 << 20;

/** Small files that the server cannot lose, besides the database; see small_files.ts. */
export const SmallPath = z.string().regex(
  /^(token|late-machines\.json|tls\/[\w-]{1,40}(\.[\w-]{1,40}){1,2}|keys\/[\w-]{1,40}\.[\w-]{1,10}|identities\/[\w-]{1,80}\.json|power-commands\/[\w-]{1,80}(\.[\w-]{1,20})?)$/,
);
/** Files of published versions, which never change. */
export const ContentPath = z.string().regex(
  /^(packs\/[0-9a-f]{64}\.pack|versions\/[a-z0-9][a-z0-9._-]{0,62}@\d{1,9}\/[\w][\w.-]{0,79})$/,
);
const bytes = z.int().min(0).max(MAX_RECORD_BYTES);

export const RecordHead = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), stream: id, epoch: z.int().min(1), bytes: z.literal(0) }),
  z.object({ type: z.literal("file"), path: SmallPath, mode: z.int().min(0).max(0o777), bytes }),
  z.object({ type: z.literal("removed"), path: SmallPath, bytes: z.literal(0) }),
  /** The database's file, from 0 on. */
  z.object({ type: z.literal("copy"), at: count, bytes }),
  /** Of the log; with `at` 0 a new one begins, and the one before is whole. */
  z.object({ type: z.literal("log"), at: count, bytes }),
  z.object({
    type: z.literal("content"),
    files: z.array(z.object({ path: ContentPath, sizeBytes: count })).max(200_000),
    bytes: z.literal(0),
  }),
  z.object({ type: z.literal("alive"), atMs: count, number: count, bytes: z.literal(0) }),
]);
export type RecordHead = z.infer<typeof RecordHead>;
export type RecordOf<T extends RecordHead["type"]> = Extract<RecordHead, { type: T }>;

export function encodeRecord(
  head: RecordHead,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const record = new Uint8Array(4 + json.length + payload.length);
  new DataView(record.buffer).setUint32(0, json.length, true);
  record.set(json, 4);
  record.set(payload, 4 + json.length);
  return record;
}

/** Throws if a record is malformed or cut off. */
export async function* decodeRecords(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<{ readonly head: RecordHead; readonly payload: Uint8Array }> {
  const reader = new ExactReader(stream.getReader());
  try {
    for (;;) {
      const length = await reader.read(4, { orEnd: true });
      if (length === undefined) return;
      const size = new DataView(length.buffer, length.byteOffset).getUint32(0, true);
      if (size > MAX_HEAD_BYTES) throw new RangeError("a record's head is too long");
      const json = await reader.read(size) ?? new Uint8Array();
      const head = RecordHead.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)));
      yield { head, payload: await reader.read(head.bytes) ?? new Uint8Array() };
    }
  } finally {
    reader.cancel();
  }
}

class ExactReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async read(length: number, { orEnd = false } = {}): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0;) {
      if (this.#left.length === 0) {
        const { done, value } = await this.#reader.read();
        if (done && orEnd && missing === length) return undefined;
        if (done) throw new RangeError("the stream was cut off");
        this.#left = value;
      }
      const part = this.#left.subarray(0, missing);
      this.#left = this.#left.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only ? only : new Uint8Array(Buffer.concat(parts));
  }

  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }
}
