/** Request bodies, bounded before they are read. */
import type { HonoRequest } from "hono";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import type { z } from "zod";
import { messageOf, RackseedError } from "#contract/errors.ts";

const MAX_JSON_BYTES = 4 << 20;
const decompressed = promisify(zstdDecompress);

/** The JSON body as the schema has it. Throws ZodError, SyntaxError, or RackseedError (413, 415). */
export async function jsonBody<T extends z.ZodType>(req: HonoRequest, schema: T): Promise<z.output<T>> {
  const type = req.header("content-type")?.split(";")[0]?.trim();
  if (type !== "application/json") {
    throw new RackseedError("cannot read the request", {
      reason: `its type is ${type ?? "not given"}.`,
      remedy: "send JSON with content-type: application/json.",
      status: 415,
    });
  }
  const bytes = await bytesBody(req, { maxBytes: MAX_JSON_BYTES });
  return schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

/**
 * The whole body, decompressed where it came in zstd. Throws RackseedError: 413 as soon as it exceeds `maxBytes`,
 * 415 where it is encoded otherwise, 400 where it is not what its encoding says.
 */
export async function bytesBody(
  { raw }: Pick<HonoRequest, "raw">,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await encodedBody(raw, { maxBytes });
  const encoding = raw.headers.get("content-encoding") ?? "identity";
  switch (encoding) {
    case "identity":
      return bytes;
    case "zstd":
      return await decompressedBody(bytes, { maxBytes });
    default:
      throw new RackseedError("cannot read the request", {
        reason: `its body is encoded as ${encoding}.`,
        remedy: "send it as it is, or in zstd.",
        status: 415,
      });
  }
}

async function decompressedBody(
  bytes: Uint8Array,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    // a copy with a buffer of its own, which may be handed over to a worker
    return new Uint8Array(await decompressed(bytes, { maxOutputLength: maxBytes }));
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes);
    throw new RackseedError("cannot read the request", {
      reason: `its body is not in zstd: ${messageOf(error)}.`,
      remedy: "send it again.",
      status: 400,
      cause: error,
    });
  }
}

async function encodedBody(
  raw: Request,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const claimed = Number(raw.headers.get("content-length") ?? NaN);
  if (claimed > maxBytes) throw tooLarge(maxBytes);
  if (claimed >= 0) return new Uint8Array(await raw.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of raw.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(maxBytes: number): RackseedError {
  return new RackseedError("cannot read the request", {
    reason: `its body is larger than ${maxBytes} bytes.`,
    remedy: "send less at once.",
    status: 413,
  });
}
