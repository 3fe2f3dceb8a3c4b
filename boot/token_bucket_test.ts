import assert from "node:assert/strict";
import { TokenBucket } from "./token_bucket.ts";

Deno.test("a bucket passes its burst, then its rate, and counts refusals", () => {
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

Deno.test("setting the clock back causes no refusals", () => {
  const bucket = new TokenBucket({ burst: 1, perSecond: 1 });
  assert.deepEqual([5000, 1000, 2000].map((at) => bucket.take(at)), [true, false, true]);
});
