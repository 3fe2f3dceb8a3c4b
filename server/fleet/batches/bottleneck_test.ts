import assert from "node:assert/strict";
import type { InstallTimes } from "#contract/api/distribution.ts";
import { bottleneckOf } from "./bottleneck.ts";

/** Ten seconds of two workers. */
const times = (over: Partial<InstallTimes>): InstallTimes => ({
  workers: 2,
  starvedMs: 0,
  busyMs: 0,
  blockedMs: 0,
  mainMs: 3000,
  fetchedBytes: 250e6,
  fetchMs: 10_000,
  ...over,
});

const cases: [what: string, times: InstallTimes, limit: string | undefined][] = [
  ["waits for frames: its link", times({ starvedMs: 14_000, busyMs: 5000, blockedMs: 1000 }), "link"],
  ["waits for its disk: the disk", times({ starvedMs: 2000, busyMs: 6000, blockedMs: 12_000 }), "disk"],
  ["computes: its processor", times({ starvedMs: 2000, busyMs: 16_000, blockedMs: 2000 }), "cpu"],
  [
    "cannot receive as fast as frames would come: its processor",
    times({ starvedMs: 20_000, mainMs: 9000 }),
    "cpu",
  ],
  ["has measured nothing: nothing", times({}), undefined],
];
for (const [what, measured, limit] of cases) {
  Deno.test(`what limits a node that ${what}`, () => {
    assert.equal(bottleneckOf(measured)?.limit, limit);
  });
}

Deno.test("the reason gives the shares and the rate", () => {
  const { reason } = bottleneckOf(times({ starvedMs: 14_000, busyMs: 5000, blockedMs: 1000 })) ??
    assert.fail();
  assert.equal(
    reason,
    "of its workers' time 70 % waited for frames, 25 % computed, 5 % waited for the disk; 200 Mbit/s came in",
  );
});
