import assert from "node:assert/strict";
import { CpuShare } from "./cpu_share.ts";

/** A thread whose clocks the test moves. */
function thread({ cpuKnown = true } = {}) {
  const clock = { now: 0, cpu: 0, pauses: 0 };
  const { signal } = new AbortController();
  const share = new CpuShare({
    share: 0.05,
    signal,
    beganMs: 0,
    now: () => clock.now,
    cpuMs: () => cpuKnown ? clock.cpu : undefined,
    pause: (ms) => {
      clock.now += ms;
      clock.pauses++;
      return Promise.resolve();
    },
  });
  const work = async (cpuMs: number, waitedMs = 0) => {
    clock.cpu += cpuMs;
    clock.now += cpuMs + waitedMs;
    await share.rest();
  };
  return { clock, share, work };
}

Deno.test("work takes no more than its share, whatever the size of its pieces", async () => {
  for (const pieceMs of [1, 9, 10, 37, 250]) {
    const { clock, work } = thread();
    for (let i = 0; i < 500; i++) await work(pieceMs);
    const used = 500 * pieceMs;
    // the last pieces may not have been rested for
    assert.ok(used / clock.now < 0.051 + 10 / clock.now, `${pieceMs} ms: ${used / clock.now}`);
  }
});

Deno.test("time in which the thread waited counts as a rest", async () => {
  const { clock, work } = thread();
  await work(20, 1000);
  assert.equal(clock.pauses, 0);
  await work(20, 100);
  assert.equal(clock.now, 1020 + 400);
});

Deno.test("a long wait is no credit for later work", async () => {
  const { clock, work } = thread();
  await work(20, 100_000);
  const before = clock.now;
  await work(50);
  assert.equal(clock.now - before, 1000);
});

Deno.test("without the kernel's figures, and for the work of another process, time counts as work", async () => {
  const unknown = thread({ cpuKnown: false });
  await unknown.work(20, 30);
  assert.equal(unknown.clock.now, 1000);
  const { clock, share } = thread();
  share.charge(40);
  await share.rest();
  assert.equal(clock.now, 800);
  assert.equal(share.usedMs, 40);
});

Deno.test("a rest ends when the work is called off", async () => {
  const stop = new AbortController();
  const share = new CpuShare({
    share: 0.05,
    signal: stop.signal,
    beganMs: 0,
    now: () => 100,
    cpuMs: () => 100,
  });
  const resting = share.rest();
  stop.abort(new Error("called off"));
  await assert.rejects(resting, /called off/);
});
