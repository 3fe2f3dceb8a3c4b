import assert from "node:assert/strict";
import { WatchedNodes } from "./watched_nodes.ts";

Deno.test("a node is watched while it is asked for, and a while longer than it may pause", () => {
  let ms = 0;
  const watched = new WatchedNodes({ now: () => ms });
  assert.equal(watched.has("a"), false);
  watched.note("a");
  for (ms = 10_000; ms < 60_000; ms += 10_000) {
    assert.equal(watched.has("a"), true, `${ms} ms`);
    watched.note("a");
  }
  ms += 5000;
  assert.equal(watched.has("a"), false);
});

Deno.test("who asks for every node watches only the last of them", () => {
  const watched = new WatchedNodes({ now: () => 0 });
  const ids = Array.from({ length: 500 }, (_, i) => `n${i}`);
  for (const id of ids) watched.note(id);
  assert.deepEqual(ids.filter((id) => watched.has(id)), ids.slice(-20));
});
