/** Compresses one file into another, off the thread that answers requests. A worker does one job. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";

export type Compression = "zstd" | "gzip";

export interface CompressJob {
  readonly input: string;
  readonly output: string;
  readonly compression: Compression;
  readonly level: number;
}

export type CompressResult = { readonly done: true } | { readonly done: false; readonly reason: string };

const worker = self as unknown as {
  onmessage: (event: MessageEvent<CompressJob>) => void;
  postMessage: (result: CompressResult) => void;
};

worker.onmessage = ({ data: job }) => {
  compress(job).then(
    () => worker.postMessage({ done: true }),
    (error: unknown) => worker.postMessage({ done: false, reason: String(error) }),
  );
};

async function compress({ input, output, compression, level }: CompressJob): Promise<void> {
  const compressor = compression === "gzip" ? createGzip({ level: Math.min(level, 9) }) : createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level },
  });
  await pipeline(createReadStream(input, { highWaterMark: 1 << 20 }), compressor, createWriteStream(output));
}
