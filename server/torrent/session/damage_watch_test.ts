import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { DamageWatch } from "./damage_watch.ts";

const ERROR = new RackseedError("cannot read a.pack", { reason: "it is damaged.", remedy: "capture again." });

function givesUpAt(
  seconds: readonly { received?: number; hasSource?: boolean; isComplete?: boolean }[],
): number {
  const watch = new DamageWatch();
  watch.report(ERROR);
  return seconds.findIndex(({ received = 0, hasSource = false, isComplete = false }) =>
    watch.tick({ received, isComplete, hasSource: () => hasSource }) === ERROR
  );
}

Deno.test("a swarm gives up after ten quiet seconds in which nobody has what the server lacks", () => {
  assert.equal(givesUpAt(new Array(20).fill({})), 9);
});

Deno.test("bytes that arrive, and a peer that has the missing piece, start the ten seconds over", () => {
  const seconds = [...new Array(5).fill({}), { received: 1 }, ...new Array(5).fill({ received: 1 })];
  assert.equal(
    givesUpAt([...seconds, { received: 1, hasSource: true }, ...new Array(20).fill({ received: 1 })]),
    21,
  );
});

Deno.test("a complete swarm never gives up, nor does one without a report of damage", () => {
  assert.equal(givesUpAt(new Array(20).fill({ isComplete: true })), -1);
  const watch = new DamageWatch();
  for (let second = 0; second < 20; second++) {
    assert.equal(watch.tick({ received: 0, isComplete: false, hasSource: () => false }), undefined);
  }
});
