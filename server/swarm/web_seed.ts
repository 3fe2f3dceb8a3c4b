import type { RackseedError } from "#contract/errors.ts";
import type { Clock } from "#torrent/ports.ts";
import type { RateLimit } from "#torrent/rate_limit.ts";
import { systemClock } from "#torrent/system_ports.ts";

/** A file that may be served. */
export interface WebSeedFile {
  readonly path: string;
  readonly length: number;
  /** Why these bytes must not be served, or undefined if they may be. */
  readonly damageIn?: (offset: number, length: number) => RackseedError | undefined;
  /** Names the content, for caches: it never changes under the same tag. */
  readonly tag?: string;
  /** A URL that has the file as well, for a while; undefined if there is none now. */
  readonly elsewhere?: (() => Promise<string | undefined> | string | undefined) | undefined;
  /** Begins to bring the file here; absent if it is here. */
  readonly bring?: () => void;
}

/** Bytes `start` to `end`, both inclusive. */
interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const CHUNK_BYTES = 256 * 1024;
/** The length of the largest piece: our nodes request no more at a time. */
const CHECKED_BYTES = 16 << 20;

/**
 * A web seed (BEP 19): GET and HEAD of `prefix` + torrent name + "/" + file name, for the whole file or one byte range
 * (RFC 9110 §14). The path is never used as a file path: what `lookup` does not know is 404.
 */
export async function handleWebSeed(
  request: Request,
  { prefix, lookup, uploadLimit, onSent = () => {}, clock = systemClock }: {
    /** URL path before the names, with a trailing slash: "/webseed/". */
    prefix: string;
    lookup: (name: { torrent: string; file: string }) => WebSeedFile | undefined;
    /** Shared with everything else that uses the same link. */
    uploadLimit?: RateLimit;
    /** Called with the number of bytes of each part that is sent. */
    onSent?: (bytes: number) => void;
    clock?: Clock;
  },
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const name = parseName(new URL(request.url).pathname, prefix);
  const file = name && lookup(name);
  if (!file) return new Response(null, { status: 404 });
  const elsewhere = await file.elsewhere?.();
  if (elsewhere !== undefined) {
    return new Response(null, { status: 307, headers: { location: elsewhere, "cache-control": "no-store" } });
  }
  if (file.bring) {
    file.bring();
    return new Response("being fetched\n", {
      status: 503,
      headers: { "retry-after": "2", "cache-control": "no-store" },
    });
  }
  const caching = cacheHeaders(name, file);
  if (isSame(request.headers.get("if-none-match"), caching.etag)) {
    return new Response(null, { status: 304, headers: caching });
  }
  // RFC 9110 §13.1.5: other content than the one it began with is sent whole
  const condition = request.headers.get("if-range");
  const isCurrent = condition === null || condition === caching.etag;
  const range = parseRange(isCurrent ? request.headers.get("range") : null, file.length);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${file.length}` } });
  }
  const { start, end } = range ?? { start: 0, end: file.length - 1 };
  const headers = {
    ...caching,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
    "content-length": String(end - start + 1),
    ...(range ? { "content-range": `bytes ${start}-${end}/${file.length}` } : {}),
  };
  // of a long range only the beginning; the rest is checked as it is sent
  const damage = file.length > 0
    ? file.damageIn?.(start, Math.min(end - start + 1, CHECKED_BYTES))
    : undefined;
  if (damage) return refusal(damage);
  const isEmpty = request.method === "HEAD" || file.length === 0;
  const body = isEmpty ? null : await openRange(file, { start, end, uploadLimit, onSent, clock });
  return new Response(body, { status: range ? 206 : 200, headers });
}

/** A pack is named by its hash and never changes. A manifest keeps its name if the server is set up again. */
function cacheHeaders(
  { file: name }: { file: string },
  { tag }: WebSeedFile,
): { etag?: string; "cache-control"?: string } {
  if (tag === undefined) return {};
  const isPack = name.endsWith(".pack");
  return {
    etag: `"${tag}"`,
    "cache-control": isPack ? "public, max-age=31536000, immutable" : "public, max-age=60",
  };
}

/** RFC 9110 §13.1.2 */
function isSame(condition: string | null, etag: string | undefined): boolean {
  if (condition === null || etag === undefined) return false;
  return condition.split(",").some((one) => ["*", etag].includes(one.trim().replace(/^W\//, "")));
}

function refusal(error: RackseedError): Response {
  return Response.json({ type: "about:blank", ...error.toProblem() }, {
    status: error.status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

function parseName(pathname: string, prefix: string): { torrent: string; file: string } | undefined {
  if (!pathname.startsWith(prefix)) return undefined;
  let parts: string[];
  try {
    parts = pathname.slice(prefix.length).split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
  const [torrent, file, ...rest] = parts;
  return torrent && file && rest.length === 0 ? { torrent, file } : undefined;
}

/** Undefined means the whole file, also for several ranges and other units, which RFC 9110 §14.2 lets us ignore. */
export function parseRange(header: string | null, length: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  if (!match) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? "unsatisfiable" : { start: length - suffix, end: length - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= length) return "unsatisfiable";
  return { start, end: last === "" ? length - 1 : Math.min(Number(last), length - 1) };
}

/** A stream that reads only as fast as its consumer and the limit allow. Memory: one chunk per request. */
async function openRange(
  { path, damageIn }: WebSeedFile,
  { start, end, uploadLimit, onSent, clock }: ByteRange & {
    uploadLimit: RateLimit | undefined;
    onSent: (bytes: number) => void;
    clock: Clock;
  },
): Promise<ReadableStream<Uint8Array>> {
  const file = await Deno.open(path);
  await file.seek(start, Deno.SeekMode.Start);
  let left = end - start + 1, offset = start;
  const gone = new AbortController();
  const close = () => {
    if (!gone.signal.aborted) file.close();
    gone.abort();
  };
  return new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: CHUNK_BYTES,
    async pull(controller) {
      const request = controller.byobRequest;
      const view = request?.view;
      if (!request || !view) return;
      const length = Math.min(view.byteLength, left);
      const waitMs = uploadLimit?.reserve(length, clock.now()) ?? 0;
      if (waitMs > 0) await clock.sleep(waitMs, gone.signal);
      if (gone.signal.aborted) return;
      const damage = damageIn?.(offset, length);
      if (damage) {
        close();
        throw damage;
      }
      const into = new Uint8Array(view.buffer, view.byteOffset, length);
      const got = await file.read(into);
      if (got === null) {
        close();
        throw new Error(`${path} is shorter than it was`);
      }
      left -= got;
      offset += got;
      onSent(got);
      request.respond(got);
      if (left > 0) return;
      close();
      controller.close();
    },
    cancel: close,
  });
}
