import assert from "node:assert/strict";
import { isDue, nextTryMs } from "./acme_renewal.ts";

const DAY_MS = 86_400_000;
const certificate = { notBefore: new Date(10 * DAY_MS), notAfter: new Date(100 * DAY_MS) };

Deno.test("a certificate is renewed in the last third of its life, not before it begins", () => {
  const due = (day: number) => isDue(certificate, day * DAY_MS);
  assert.deepEqual([9.9, 10, 69.9, 70, 99, 101].map(due), [false, false, false, true, true, true]);
  assert.equal(isDue(undefined, 0), true);
});

Deno.test("failures are tried again after growing pauses, an hour at most", () => {
  assert.deepEqual([1, 2, 3, 4, 100].map((n) => nextTryMs(n, 1000) - 1000), [
    300_000,
    900_000,
    3600_000,
    3600_000,
    3600_000,
  ]);
});
