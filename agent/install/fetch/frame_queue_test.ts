import assert from "node:assert/strict";
import { FrameQueue } from "./frame_queue.ts";

Deno.test("frames come out as they become ready, and no more than announced", async () => {
  const queue = new FrameQueue(3);
  queue.push(2);
  const read = Array.fromAsync(queue);
  queue.push(0);
  await Promise.resolve();
  queue.push(1);
  queue.fail(new Error("too late to matter"));
  assert.deepEqual(await read, [2, 0, 1]);
});

Deno.test("frames that will never come are an error", async () => {
  const queue = new FrameQueue(2);
  const read = Array.fromAsync(queue);
  queue.push(0);
  queue.fail(new Error("swarm failed"));
  await assert.rejects(read, /swarm failed/);
});
