import assert from "node:assert/strict";
import { TokenBucket } from "./token_bucket.ts";

Deno.test("a bucket lets its burst pass, then its rate, and counts what it refuses", () => {
  const bucket = new TokenBucket({ burst: 2, perSecond: 10 });
  assert.deepEqual([1000, 1000, 1000, 1050, 1100, 1101].map((at) => bucket.take(at)), [
    true,
    true,
    false,
    false,
    true,
    false,
  ]);
  assert.equal(bucket.takeRefused(), 3);
  assert.equal(bucket.takeRefused(), 0);
});

Deno.test("a clock that is set back refuses nothing that it would have let pass", () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1 });
  assert.deepEqual([5000, 1000, 2000].map((at) => bucket.take(at)), [true, false, true]);
});
