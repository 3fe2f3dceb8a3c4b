import assert from "node:assert/strict";
import { StallWatch } from "./stall_watch.ts";

/** Watches a peer that owes us data. `moved`: the bytes it has sent after each second. */
function watch(
  moved: readonly number[],
  { isThrottled = false, isEnding = false } = {},
): { stalledAt: number[]; goneAt: number } {
  const stalledAt: number[] = [];
  let isStalled = false;
  let second = 0;
  const peer = {
    owesData: true,
    stall(): boolean {
      if (isStalled) return false;
      stalledAt.push(second);
      return isStalled = true;
    },
  };
  const stalls = new StallWatch(0);
  for (second = 1; second <= moved.length; second++) {
    if (moved[second - 1] !== moved[second - 2]) isStalled = false;
    if (!stalls.tick(peer, { now: second * 1000, moved: moved[second - 1]!, isThrottled, isEnding })) {
      return { stalledAt, goneAt: second };
    }
  }
  return { stalledAt, goneAt: NaN };
}

const silence = (seconds: number, at = 0) => new Array<number>(seconds).fill(at);

Deno.test("a silent peer that owes data stalls after two seconds and is dropped after twenty", () => {
  assert.deepEqual(watch(silence(30)), { stalledAt: [3], goneAt: 21 });
});

Deno.test("a peer that has paused before is given three times its longest pause", () => {
  // three seconds of silence, one byte, then silence
  assert.deepEqual(watch([...silence(2), 1, ...silence(20, 1)]).stalledAt, [13]);
});

Deno.test("at the end of a download, a peer is given no more than its longest pause so far", () => {
  assert.deepEqual(watch([...silence(4), 1, ...silence(20, 1)], { isEnding: true }).stalledAt, [3, 11]);
});

Deno.test("a peer that keeps sending never stalls", () => {
  assert.deepEqual(watch(Array.from({ length: 60 }, (_, second) => second + 1)), {
    stalledAt: [],
    goneAt: NaN,
  });
});

Deno.test("a peer that we do not read from never stalls", () => {
  assert.deepEqual(watch(silence(60), { isThrottled: true }), { stalledAt: [], goneAt: NaN });
});
