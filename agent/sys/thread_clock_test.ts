import assert from "node:assert/strict";
import { busyMsOf, startThreadClock, THREAD_STATISTICS } from "./thread_clock.ts";

Deno.test("running and waiting for a processor is busy, the rest is blocked", async () => {
  const path = await Deno.makeTempFile();
  try {
    let ms = 100;
    await Deno.writeTextFile(path, "5000000 1000000 3\n");
    const clock = startThreadClock({ path, now: () => ms });
    ms += 50;
    await Deno.writeTextFile(path, "15000000 11000000 9\n");
    assert.deepEqual(clock.stop(), { busyMs: 20, blockedMs: 30 });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("without kernel statistics all time counts as blocked, and none is lost", () => {
  const path = "/nonexistent/schedstat";
  assert.equal(busyMsOf(path), undefined);
  let ms = 0;
  const clock = startThreadClock({ path, now: () => ms });
  ms = 70;
  assert.deepEqual(clock.stop(), { busyMs: 0, blockedMs: 70 });
});

Deno.test({
  name: "this kernel reports how long the thread was busy",
  ignore: busyMsOf(THREAD_STATISTICS) === undefined,
  fn() {
    const before = busyMsOf(THREAD_STATISTICS) ?? assert.fail();
    for (let i = 0, sum = 0; i < 20_000_000; i++) sum += i;
    assert((busyMsOf(THREAD_STATISTICS) ?? 0) > before);
  },
});
