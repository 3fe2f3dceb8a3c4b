import assert from "node:assert/strict";
import { ChangeQueue, inTurns } from "./turns.ts";

Deno.test("others have their turn between two slices, and the results keep their order", async () => {
  const seen: string[] = [];
  const work = inTurns(Array.from({ length: 201 }, (_, i) => i), (slice) => {
    seen.push(`slice of ${slice.length}`);
    return slice;
  });
  const other = new Promise<void>((resolve) =>
    setTimeout(() => {
      seen.push("other");
      resolve();
    })
  );
  const results = await work;
  await other;
  assert.deepEqual(results.slice(99, 102), [99, 100, 101]);
  assert.equal(results.length, 201);
  assert.ok(seen.indexOf("other") < seen.indexOf("slice of 1"), seen.join(", "));
});

Deno.test("few changes are shown at once, many in turns, each node once", async () => {
  const shown: string[] = [];
  using queue = new ChangeQueue((id) => void shown.push(id));
  queue.add(["a", "b"]);
  assert.deepEqual(shown, ["a", "b"]);
  shown.length = 0;
  const ids = Array.from({ length: 250 }, (_, i) => `n${i}`);
  queue.add(ids);
  queue.add(["n249", "last"]);
  queue.shown("n200");
  assert.equal(shown.length, 100);
  while (!shown.includes("last")) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(shown, [...ids.filter((id) => id !== "n200"), "last"]);
});

Deno.test("what waits is dropped when the queue ends", async () => {
  const shown: string[] = [];
  {
    using queue = new ChangeQueue((id) => void shown.push(id));
    queue.add(Array.from({ length: 101 }, (_, i) => `n${i}`));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(shown.length, 100);
});
