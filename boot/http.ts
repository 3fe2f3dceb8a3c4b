import type { BootFile } from "./boot_file.ts";

/** Each transfer holds one part of this size in memory. */
const partBytes = 64 * 1024;

/**
 * Serves the table of boot files under /boot/: GET and HEAD, a single range (RFC 9110 §14). Every response to GET
 * has a Content-Length, and none redirects, because firmware does not follow redirects.
 */
export function handleBoot(
  request: Request,
  { lookup }: { lookup: (name: string) => BootFile | undefined },
): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response(null, { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const name = /^\/boot\/(.+)$/.exec(new URL(request.url).pathname)?.[1];
  const file = name === undefined ? undefined : lookup(decodeName(name));
  if (file === undefined) return new Response("not found\n", { status: 404 });
  const range = parseRange(request.headers.get("range"), file.sizeBytes);
  if (range === "unsatisfiable") {
    file.close?.();
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${file.sizeBytes}` } });
  }
  const { start, end } = range ?? { start: 0, end: file.sizeBytes };
  const headers = new Headers({
    "accept-ranges": "bytes",
    "cache-control": "no-store",
    "content-length": String(end - start),
    "content-type": "application/octet-stream",
  });
  if (range !== undefined) headers.set("content-range", `bytes ${start}-${end - 1}/${file.sizeBytes}`);
  const status = range === undefined ? 200 : 206;
  if (request.method === "HEAD") {
    file.close?.();
    return new Response(null, { status, headers });
  }
  return new Response(streamOf(file, { start, end }), { status, headers });
}

/** A badly encoded name is looked up verbatim, and not found. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** `bytes=0-99`, `bytes=100-`, `bytes=-100`. Any other header is ignored, as RFC 9110 §14.2 allows. */
function parseRange(header: string | null, sizeBytes: number): Range | undefined | "unsatisfiable" {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  return start < end ? { start, end } : "unsatisfiable";
}

function streamOf(file: BootFile, { start, end }: Range): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = start;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at < end) {
        const part = new Uint8Array(Math.min(partBytes, end - at));
        const count = file.read(at, part);
        if (count === 0) {
          file.close?.();
          throw new Error("a boot file shrank while it was being sent");
        }
        at += count;
        controller.enqueue(part.subarray(0, count));
        return;
      }
      file.close?.();
      controller.close();
    },
    cancel: () => file.close?.(),
  }, { highWaterMark: 0 });
}
