import assert from "node:assert/strict";
import { together } from "./together.ts";

Deno.test("at most four run at the same time", async () => {
  let running = 0, most = 0;
  const task = async () => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  };
  await together(Array.from({ length: 10 }, () => task));
  assert.deepEqual([running, most], [0, 4]);
});

Deno.test("a failure is thrown once the others that began have ended, and none begins after it", async () => {
  const { promise: slow, resolve: finish } = Promise.withResolvers<void>();
  const ended: string[] = [];
  const all = together([
    () => Promise.reject(new Error("the disk is broken")),
    () => slow.then(() => void ended.push("slow")),
    ...[3, 4, 5, 6].map((n) => () => Promise.resolve(void ended.push(`${n}`))),
  ]);
  const settled = assert.rejects(all, /the disk is broken/);
  await Promise.resolve();
  assert.ok(!ended.includes("slow"));
  finish();
  await settled;
  assert.ok(ended.includes("slow") && !ended.includes("6"), ended.join());
});
