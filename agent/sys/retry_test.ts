import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { pauseFor, withRetry } from "./retry.ts";

const error = (status: number) => new RackseedError("cannot reach", { reason: "r", remedy: "m", status });
const { signal } = new AbortController();

function attempts(...outcomes: (number | "ok")[]): { attempt: () => Promise<string>; count: () => number } {
  let count = 0;
  const attempt = () => {
    const outcome = outcomes[Math.min(count++, outcomes.length - 1)];
    return outcome === "ok" ? Promise.resolve("done") : Promise.reject(error(outcome as number));
  };
  return { attempt, count: () => count };
}

Deno.test("a transient failure is retried, after a longer pause each time", async () => {
  const pauses: number[] = [];
  const pause = (ms: number) => Promise.resolve(void pauses.push(ms));
  const { attempt } = attempts(503, 502, 504, 429, "ok");
  assert.equal(await withRetry(attempt, { signal, budgetMs: 60_000, pause }), "done");
  assert.equal(pauses.length, 4);
  assert.ok((pauses[3] as number) > (pauses[0] as number));
});

Deno.test("an error that is not transient is thrown at once", async () => {
  for (const status of [400, 401, 404, 409, 500, 507]) {
    const { attempt, count } = attempts(status, "ok");
    const pause = () => Promise.resolve();
    await assert.rejects(withRetry(attempt, { signal, budgetMs: 60_000, pause }), { status });
    assert.equal(count(), 1);
  }
});

Deno.test("once the budget is spent, the last error is thrown", async () => {
  let waited = 0;
  const pause = (ms: number) => Promise.resolve(void (waited += ms));
  await assert.rejects(withRetry(attempts(503).attempt, { signal, budgetMs: 30_000, pause }), {
    status: 503,
  });
  assert.ok(waited >= 30_000 && waited < 45_000, `waited ${waited} ms`);
});

Deno.test("cancelling ends the pause", async () => {
  const abort = new AbortController();
  const paused = pauseFor(1e9, abort.signal);
  abort.abort(new Error("called off"));
  await assert.rejects(paused, /called off/);
  await assert.rejects(pauseFor(1e9, abort.signal), /called off/);
});
