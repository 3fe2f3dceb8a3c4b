/** Reads request bodies within limits of size and time. */
import type { HonoRequest } from "hono";
import type { z } from "zod";
import { RackseedError } from "#contract/errors.ts";
import { drain } from "../connections/body_drain.ts";

const MAX_JSON_BYTES = 4 << 20;
const HEAD_BYTES = 4096;
/** A body up to this size is read at once: as a stream, Deno 2.6 allocates 64 KiB for every read. */
const SMALL_BYTES = 64 << 10;
const SLOWEST = { graceMs: 30_000, bytesPerSecond: 8192, checkMs: 5000 };

/** Reads and validates a JSON body. Throws ZodError, SyntaxError, or RackseedError (408, 413, 415). */
export async function jsonBody<T extends z.ZodType>(req: HonoRequest, schema: T): Promise<z.output<T>> {
  const type = req.header("content-type")?.split(";")[0]?.trim();
  if (type !== "application/json") {
    throw new RackseedError("cannot read the request", {
      reason: `its content-type is ${type ?? "missing"}.`,
      remedy: "send JSON with content-type: application/json.",
      status: 415,
    });
  }
  const bytes = await bytesBody(req, { maxBytes: MAX_JSON_BYTES });
  return schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

/** Reads the body, and leaves the same bytes for the route to read. Throws RackseedError (408, 413, 415). */
export async function keepBody(req: HonoRequest): Promise<Uint8Array<ArrayBuffer>> {
  const body = await bytesBody(req, { maxBytes: MAX_JSON_BYTES });
  const { url, method, headers, signal } = req.raw;
  req.raw = new Request(url, { method, headers, body, signal });
  return body;
}

/**
 * Reads the whole body. Throws RackseedError: 413 if it exceeds `maxBytes`, counted as the bytes arrive, since
 * Content-Length can be wrong with chunked encoding; 408 if it arrives too slowly; 415 if it is encoded.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const request = () => new Request("http://server/", { method: "POST", body: "hello" });
 * assert.equal((await bytesBody({ raw: request() }, { maxBytes: 5 })).length, 5);
 * await assert.rejects(bytesBody({ raw: request() }, { maxBytes: 4 }), { status: 413 });
 * ```
 */
export async function bytesBody(
  { raw }: Pick<HonoRequest, "raw">,
  { maxBytes, vet }: {
    maxBytes: number;
    /** Checks the first 4 KiB of a longer body before more is kept; throws to reject the body. */
    vet?: (head: Uint8Array) => void;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = raw.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new RackseedError("cannot read the request", {
      reason: `its body is encoded as ${encoding}.`,
      remedy: "send it without content-encoding.",
      status: 415,
    });
  }
  const declared = raw.headers.get("content-length");
  if (Number(declared) > maxBytes) throw tooLarge(maxBytes);
  if (declared !== null && Number(declared) <= SMALL_BYTES) return await smallBody(raw, { maxBytes });
  const reader = raw.body?.getReader();
  if (!reader) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0, vetted = vet === undefined;
  using pace = new BodyPace(() => void reader.cancel().catch(() => {}));
  for (;;) {
    const { done, value } = await reader.read();
    if (pace.isTooSlow) throw tooSlow();
    if (done) return new Uint8Array(Buffer.concat(chunks));
    size += value.length;
    pace.arrived(size);
    try {
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
      if (vetted || size <= HEAD_BYTES) continue;
      vetted = true;
      vet?.(Buffer.concat(chunks));
    } catch (error) {
      await drain(reader);
      throw error;
    }
  }
}

/** A body that says itself that it is small. */
async function smallBody(
  request: Request,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow()), SLOWEST.graceMs);
  try {
    const body = await Promise.race([request.bytes(), late]);
    if (body.length > maxBytes) throw tooLarge(maxBytes);
    return body;
  } finally {
    clearTimeout(timer);
  }
}

/** Allows a body 30 s, plus one second for every 8 KiB received. */
class BodyPace implements Disposable {
  isTooSlow = false;
  readonly #beganMs = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  #size = 0;

  constructor(stop: () => void) {
    this.#timer = setInterval(() => {
      const allowedMs = SLOWEST.graceMs + this.#size / SLOWEST.bytesPerSecond * 1000;
      if (performance.now() - this.#beganMs <= allowedMs) return;
      this.isTooSlow = true;
      stop();
    }, SLOWEST.checkMs);
  }

  arrived(size: number): void {
    this.#size = size;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function tooLarge(maxBytes: number): RackseedError {
  return new RackseedError("cannot read the request", {
    reason: `its body is larger than ${maxBytes} bytes.`,
    remedy: "send less in one request.",
    status: 413,
  });
}

function tooSlow(): RackseedError {
  return new RackseedError("cannot read the request", {
    reason: `its body arrived slower than ${SLOWEST.bytesPerSecond} bytes per second.`,
    remedy: "check the network between client and server, then retry.",
    status: 408,
  });
}
