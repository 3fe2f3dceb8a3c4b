/** The bytes of a tar file, or of one that lies inside another file; plain, gzip or zstd. */
import { Duplex } from "node:stream";
import { createZstdDecompress } from "node:zlib";

/** A part of a file, in bytes. */
export interface FileRange {
  readonly at: number;
  readonly sizeBytes: number;
}

const WHOLE: FileRange = { at: 0, sizeBytes: Infinity };
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** The stream reads at the file's own position: one stream at a time. Closing the file is left to the caller. */
export async function decompressed(
  file: Deno.FsFile,
  range: FileRange = WHOLE,
): Promise<ReadableStream<Uint8Array>> {
  const head = new Uint8Array(4);
  await file.seek(range.at, Deno.SeekMode.Start);
  const length = await file.read(head.subarray(0, Math.min(head.length, range.sizeBytes))) ?? 0;
  const begins = (magic: readonly number[]) => magic.every((byte, i) => i < length && head[i] === byte);
  const stream = await chunksOf(file, range);
  if (begins(GZIP)) return stream.pipeThrough(new DecompressionStream("gzip"));
  if (!begins(ZSTD)) return stream;
  return stream.pipeThrough(Duplex.toWeb(createZstdDecompress()) as TransformStream<Uint8Array, Uint8Array>);
}

const CHUNK_BYTES = 1 << 20;

/** Reads larger chunks than `readable` does. */
export async function chunksOf(
  file: Deno.FsFile,
  { at, sizeBytes }: FileRange = WHOLE,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  await file.seek(at, Deno.SeekMode.Start);
  let left = sizeBytes;
  return new ReadableStream({
    pull(controller) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
      // synchronous, so that no read is pending if the file is closed early
      const count = left === 0 ? null : file.readSync(chunk);
      if (count === null) return controller.close();
      left -= count;
      controller.enqueue(chunk.subarray(0, count));
    },
  }, { highWaterMark: 1 });
}
