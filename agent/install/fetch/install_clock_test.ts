import assert from "node:assert/strict";
import { InstallClock } from "./install_clock.ts";

Deno.test("time in which a worker neither computes nor waits for the disk counts as waiting for frames", () => {
  const time = { ms: 1000, main: 50 };
  const clock = new InstallClock({ workers: 2, now: () => time.ms, mainMs: () => time.main });
  clock.add({ busyMs: 300, blockedMs: 100 });
  clock.add({ busyMs: 200, blockedMs: 0 });
  time.ms += 1000;
  time.main += 700;
  assert.deepEqual(clock.times({ bytesDone: 4e6, bytesTotal: 9e6 }, 3e6), {
    workers: 2,
    busyMs: 500,
    blockedMs: 100,
    starvedMs: 1400,
    mainMs: 700,
    fetchedBytes: 3e6,
    fetchMs: 1000,
  });
});

Deno.test("the fetch time ends when everything is fetched, not when everything is written", () => {
  const time = { ms: 0 };
  const clock = new InstallClock({ workers: 1, now: () => time.ms, mainMs: () => 0 });
  time.ms = 4000;
  clock.times({ bytesDone: 9e6, bytesTotal: 9e6 }, 3e6);
  time.ms = 9000;
  assert.equal(clock.times({ bytesDone: 9e6, bytesTotal: 9e6 }, 3e6).fetchMs, 4000);
});
