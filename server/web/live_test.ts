import assert from "node:assert/strict";
import { asJson, LiveEvents } from "./live.ts";

const event = (name: string) => ({ type: "node-removed" as const, name });

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value, done } = await reader.read();
  return done ? "end" : new TextDecoder().decode(value);
}

Deno.test("a watcher gets the present state, then every event", async () => {
  using live = new LiveEvents();
  const reader = (live.watch([event("a")], asJson)?.body ?? assert.fail()).getReader();
  live.publish(event("b"));
  assert.equal(await read(reader), 'retry: 2000\n\ndata: {"type":"node-removed","name":"a"}\n\n');
  assert.equal(await read(reader), 'data: {"type":"node-removed","name":"b"}\n\n');
  await reader.cancel();
  assert.equal(live.watchers, 0);
});

Deno.test("a watcher that does not read is cut off, and the others go on", async () => {
  using live = new LiveEvents();
  live.watch([], asJson);
  const reader = (live.watch([], asJson)?.body ?? assert.fail()).getReader();
  await read(reader);
  for (let i = 0; i < 5; i++) {
    live.publish(event("x".repeat(1 << 20)));
    await read(reader);
  }
  assert.equal(live.watchers, 1);
  await reader.cancel();
});

Deno.test("the number of watchers is bounded", () => {
  using live = new LiveEvents();
  for (let i = 0; i < 256; i++) assert.ok(live.watch([], asJson));
  assert.equal(live.watch([], asJson), undefined);
});

Deno.test("a silent connection is kept awake", async () => {
  using live = new LiveEvents({ heartbeatMs: 5 });
  const reader = (live.watch([], asJson)?.body ?? assert.fail()).getReader();
  await read(reader);
  assert.equal(await read(reader), ": still here\n\n");
  await reader.cancel();
});
