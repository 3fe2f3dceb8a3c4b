import assert from "node:assert/strict";
import { readRange } from "./http_range.ts";

const range = { torrent: "web@1", file: "pack-0", offset: 2, length: 4 };
const head = { status: 206, headers: { "content-range": "bytes 2-5/10" } };

/** A source that sends these bytes. `open`: it then stalls, and ignores the request's signal. */
function sourceOf(bytes: number[], { open = false } = {}) {
  const seen = { cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      controller.enqueue(Uint8Array.from(bytes));
      if (!open) controller.close();
    },
    cancel: () => void (seen.cancelled = true),
  });
  return { seen, source: { url: "http://h/", request: () => Promise.resolve(new Response(body, head)) } };
}

async function read(
  { source }: ReturnType<typeof sourceOf>,
  { signal = new AbortController().signal, onBytes = () => {} } = {},
): Promise<number[]> {
  const got: number[] = [];
  for await (const bytes of readRange(source, { range, signal })) {
    got.push(...bytes);
    onBytes();
  }
  return got;
}

Deno.test("a range is read as it arrives, and must have the requested length", async () => {
  assert.deepEqual(await read(sourceOf([1, 2, 3, 4])), [1, 2, 3, 4]);
  await assert.rejects(read(sourceOf([1, 2, 3])), /sent 1 bytes too few of pack-0/);
  const long = sourceOf([1, 2, 3, 4, 5], { open: true });
  await assert.rejects(read(long), /sends more/);
  assert.ok(long.seen.cancelled);
});

Deno.test("a stalled server is given up when the signal aborts, even if fetch() ignores it", async () => {
  const stalled = sourceOf([1, 2], { open: true });
  const stop = new AbortController();
  const onBytes = () => void queueMicrotask(() => stop.abort(new Error("nothing came")));
  await assert.rejects(read(stalled, { signal: stop.signal, onBytes }), /nothing came/);
  assert.ok(stalled.seen.cancelled);
});

Deno.test("a request that is aborted before the response reads nothing of it", async () => {
  const source = sourceOf([1, 2, 3, 4]);
  await assert.rejects(
    read(source, { signal: AbortSignal.abort(new Error("aborted early")) }),
    /aborted early/,
  );
});
