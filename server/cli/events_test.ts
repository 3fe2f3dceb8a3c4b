import assert from "node:assert/strict";
import type { ApiClient } from "#contract/client.ts";
import { serverEvents } from "./events.ts";

Deno.test("a watch ends when its signal aborts, even if fetch() has lost the signal", async () => {
  const heartbeat = new TextEncoder().encode(": still here\n\n");
  const seen = { cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(heartbeat),
    cancel: () => void (seen.cancelled = true),
  });
  // ignores the signal
  const client = { send: () => Promise.resolve(new Response(body)) } as unknown as ApiClient;
  const stop = new AbortController();
  const watch = serverEvents(client, stop.signal).next();
  setTimeout(() => stop.abort(new Error("Ctrl-C")));
  await assert.rejects(watch, /Ctrl-C/);
  assert.ok(seen.cancelled);
});

Deno.test("a watch passes over events that only a later server sends", async () => {
  const lines = [{ type: "weather", node: { name: "n1" } }, { type: "images" }];
  const body = lines.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  const client = { send: () => Promise.resolve(new Response(body)) } as unknown as ApiClient;
  const events = serverEvents(client, new AbortController().signal);
  assert.deepEqual((await events.next()).value, { type: "images" });
  await events.return(undefined);
});
