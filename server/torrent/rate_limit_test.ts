import assert from "node:assert/strict";
import { RateLimit } from "./rate_limit.ts";

Deno.test("one second's worth goes out at once, the rest waits", () => {
  const limit = new RateLimit(1000);
  assert.equal(limit.reserve(1000, 10_000), 0);
  assert.equal(limit.reserve(500, 10_000), 0);
  assert.equal(limit.reserve(1, 10_000), 500);
});

Deno.test("users of one limit share its rate", () => {
  const limit = new RateLimit(1000);
  let now = 5_000;
  let sent = 0;
  for (let turn = 0; turn < 200; turn++) {
    now += limit.reserve(100, now);
    sent += 100;
  }
  assert.ok(sent / (now - 4_000) * 1000 <= 1100, `${sent} bytes in ${now - 4_000} ms`);
});

Deno.test("a changed limit applies from the next grant on, and Infinity lifts it", () => {
  const limit = new RateLimit(10);
  limit.reserve(1000, 0);
  assert.ok(limit.reserve(1000, 0) > 50_000);
  limit.bytesPerSecond = 1_000_000;
  assert.equal(limit.bytesPerSecond, 1_000_000);
  assert.equal(limit.reserve(1000, 5_000), 0);
  limit.bytesPerSecond = Infinity;
  for (let turn = 0; turn < 100; turn++) assert.equal(limit.reserve(1e9, 6_000), 0);
});
