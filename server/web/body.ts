/** Request bodies, bounded before they are read. */
import type { HonoRequest } from "hono";
import type { z } from "zod";
import { RackseedError } from "#contract/errors.ts";

const MAX_JSON_BYTES = 4 << 20;

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

/** The whole body. Throws RackseedError: 413 as soon as it exceeds `maxBytes`, 415 where it is encoded. */
export async function bytesBody(
  { raw }: Pick<HonoRequest, "raw">,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = raw.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new RackseedError("cannot read the request", {
      reason: `its body is encoded as ${encoding}.`,
      remedy: "send it as it is.",
      status: 415,
    });
  }
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
