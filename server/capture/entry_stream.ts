import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { createZstdDecompress } from "node:zlib";
import { MAX_MANIFEST_BYTES } from "#contract/manifest.ts";

/** A file of a terabyte has a line of this size. */
const MAX_LINE_BYTES = 64 << 20;
const LF = 10;
/** As much text at a time costs few turns, and little memory. */
const CHUNK_BYTES = 256 << 10;

/**
 * The lines of a zstd stream of UTF-8 text, each ended by LF, some at a time as they arrive. Throws RangeError
 * where the stream is no zstd, is cut off within a line, or has more than a manifest may have.
 */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<readonly string[]> {
  let rest: Uint8Array[] = [], restBytes = 0, total = 0;
  for await (const chunk of decompressed(stream)) {
    total += chunk.length;
    if (total > MAX_MANIFEST_BYTES) throw new RangeError("the list of entries is too long");
    const end = chunk.lastIndexOf(LF);
    if (end >= 0) {
      const whole = chunk.subarray(0, end);
      yield (restBytes === 0 ? whole : Buffer.concat([...rest, whole])).toString("utf8").split("\n");
      rest = [];
      restBytes = 0;
    }
    if (end + 1 === chunk.length) continue;
    rest.push(chunk.subarray(end + 1));
    restBytes += chunk.length - end - 1;
    if (restBytes > MAX_LINE_BYTES) throw new RangeError("an entry is too long");
  }
  if (restBytes > 0) throw new RangeError("the list of entries is cut off");
}

async function* decompressed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  const source = Readable.fromWeb(stream as NodeReadableStream<Uint8Array>);
  const zstd = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  source.on("error", (error) => zstd.destroy(error));
  source.pipe(zstd);
  try {
    for await (const chunk of zstd) yield chunk as Buffer;
  } catch (error) {
    throw new RangeError(
      `the list of entries cannot be read: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  } finally {
    source.destroy();
  }
}
