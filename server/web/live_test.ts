import assert from "node:assert/strict";
import type { NodeView } from "#contract/api.ts";
import { LiveEvents } from "./live.ts";

const event = (name: string) => ({ type: "node-removed" as const, name });

async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value, done } = await reader.read();
  return done ? "end" : new TextDecoder().decode(value);
}

Deno.test("a watcher gets the current state, then every event", async () => {
  using live = new LiveEvents();
  const reader = (live.watch([event("a")], { isAllowed: () => true })?.body ?? assert.fail())
    .getReader();
  live.publish(event("b"));
  assert.equal(await read(reader), 'retry: 2000\n\ndata: {"type":"node-removed","name":"a"}\n\n');
  assert.equal(await read(reader), 'data: {"type":"node-removed","name":"b"}\n\n');
  await reader.cancel();
  assert.equal(live.watchers, 0);
});

Deno.test("a watcher that does not read is dropped, and the others continue", async () => {
  using live = new LiveEvents();
  live.watch([], { isAllowed: () => true });
  const reader = (live.watch([], { isAllowed: () => true })?.body ?? assert.fail())
    .getReader();
  await read(reader);
  for (let i = 0; i < 5; i++) {
    live.publish(event("x".repeat(1 << 20)));
    await read(reader);
  }
  assert.equal(live.watchers, 1);
  await reader.cancel();
});

Deno.test("a watcher whose session ends is closed, at once or by the next heartbeat; the others continue", async () => {
  for (const isAtOnce of [true, false]) {
    using live = new LiveEvents(isAtOnce ? {} : { heartbeatMs: 5 });
    let isOpen = true;
    const ended = live.watch([], { isAllowed: () => isOpen })?.body ?? assert.fail();
    live.watch([], { isAllowed: () => true });
    isOpen = false;
    if (isAtOnce) live.recheck();
    const reader = ended.getReader();
    await reader.read();
    assert.equal((await reader.read()).done, true);
    assert.equal(live.watchers, 1);
  }
});

Deno.test("the number of watchers is bounded", () => {
  using live = new LiveEvents();
  for (let i = 0; i < 256; i++) assert.ok(live.watch([], { isAllowed: () => true }));
  assert.equal(live.watch([], { isAllowed: () => true }), undefined);
});

Deno.test("an idle connection gets heartbeats", async () => {
  using live = new LiveEvents({ heartbeatMs: 5 });
  const reader = (live.watch([], { isAllowed: () => true })?.body ?? assert.fail())
    .getReader();
  await read(reader);
  assert.equal(await read(reader), ": still here\n\n");
  await reader.cancel();
});

Deno.test("a watcher gets the progress of each node in batches, as it is then, and events at once", async () => {
  using live = new LiveEvents();
  const reader = (live.watch([], { isAllowed: () => true })?.body ?? assert.fail())
    .getReader();
  await read(reader);
  let made = 0;
  for (let percent = 1; percent <= 50; percent++) {
    for (const name of ["a", "b", "c", "gone"]) {
      live.advance(name, () => {
        made++;
        return name === "gone" ? undefined : progress(name, percent);
      });
    }
  }
  live.publish(event("c"));
  assert.match(await read(reader), /node-removed/);
  for (const name of ["a", "b"]) {
    assert.match(await read(reader), new RegExp(`"name":"${name}".*"bytesDone":50,`));
  }
  live.publish(event("d"));
  assert.match(await read(reader), /"name":"d"/);
  assert.equal(made, 3, "no view is made that is not sent");
  await reader.cancel();
});

function progress(name: string, bytesDone: number): NodeView {
  const transfer = { bytesDone, bytesTotal: 100, peers: 1, bytesPerSecond: 1 };
  const report = {
    step: "install" as const,
    state: "running" as const,
    elapsedMs: 1,
    progress: transfer,
  };
  return { id: name, name, settings: {}, state: "installing", armed: true, report };
}

Deno.test("every event is also noted elsewhere, without watchers and within a batch", () => {
  const noted: string[] = [];
  using live = new LiveEvents({ also: ({ type }) => noted.push(type) });
  live.publish({ type: "images" });
  live.publish({ type: "hooks" });
  assert.deepEqual(noted, ["images", "hooks"]);
});
