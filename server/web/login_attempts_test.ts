import assert from "node:assert/strict";
import { LoginAttempts } from "./login_attempts.ts";

Deno.test("five wrong tokens cost no wait, then it doubles up to a minute; the right one clears it", () => {
  const attempts = new LoginAttempts();
  const waits: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 13; i++) {
    nowMs += attempts.waitMs("10.0.0.1", nowMs);
    attempts.failed("10.0.0.1", nowMs);
    waits.push(attempts.waitMs("10.0.0.1", nowMs) / 1000);
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  assert.equal(attempts.waitMs("10.0.0.2", nowMs), 0, "other addresses do not wait");
  attempts.succeeded("10.0.0.1");
  assert.equal(attempts.waitMs("10.0.0.1", nowMs), 0);
});

Deno.test("after failures from a million addresses only the latest 1024 are in memory", () => {
  const attempts = new LoginAttempts();
  for (let i = 0; i < 1_000_000; i++) {
    for (let n = 0; n < (i > 999_990 ? 5 : 1); n++) attempts.failed(`a${i}`, 0);
  }
  assert.equal(attempts.size, 1024);
  assert.equal(attempts.waitMs("a999999", 0), 1000);
});
