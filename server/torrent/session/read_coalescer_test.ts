import assert from "node:assert/strict";
import { ReadCoalescer } from "./read_coalescer.ts";

Deno.test("all callers of one pause resume together at its end, and the next call starts a new one", async () => {
  const ends: (() => void)[] = [];
  const clock = {
    now: () => 0,
    sleep: () => new Promise<void>((resolve) => ends.push(resolve)),
  };
  const coalescer = new ReadCoalescer(clock, { lengthMs: () => 20, signal: new AbortController().signal });
  const gone: string[] = [];
  const pause = async (name: string) => {
    await coalescer.pause();
    gone.push(name);
  };
  const first = [pause("a"), pause("b")];
  assert.equal(ends.length, 1);
  assert.deepEqual(gone, []);
  ends[0]!();
  await Promise.all(first);
  assert.deepEqual(gone, ["a", "b"]);
  const second = pause("c");
  assert.equal(ends.length, 2);
  ends[1]!();
  await second;
});
