import assert from "node:assert/strict";
import { RoundTrip } from "./round_trip.ts";

const bounds = { firstMs: 500, slackMs: 4, maxMs: 1000 };

Deno.test("the first timeout applies until a round trip has been measured", () => {
  const roundTrip = new RoundTrip(bounds);
  assert.equal(roundTrip.timeoutMs, 500);
  roundTrip.measured(10);
  assert.equal(roundTrip.timeoutMs, 30);
  for (let i = 0; i < 100; i++) roundTrip.measured(10);
  assert.ok(Math.abs(roundTrip.timeoutMs - 14) < 0.01, `${roundTrip.timeoutMs}`);
});

Deno.test("each expiry doubles the timeout, up to its bound, until there is progress", () => {
  const roundTrip = new RoundTrip(bounds);
  roundTrip.measured(10);
  const seen = Array.from({ length: 7 }, () => (roundTrip.expired(), roundTrip.timeoutMs));
  assert.deepEqual(seen, [60, 120, 240, 480, 960, 1000, 1000]);
  roundTrip.progressed();
  assert.equal(roundTrip.timeoutMs, 30);
});
