import assert from "node:assert/strict";
import { WebSeedFallback } from "./web_seed_fallback.ts";

/** The result of each second's tick. `sent`: bytes that peers sent in each second. */
function ticks(sent: readonly number[], { hasProvider, chance = 0 }: {
  hasProvider: boolean;
  chance?: number;
}): number[] {
  const fallback = new WebSeedFallback({ now: 0, random: () => chance });
  let received = 0;
  return sent.map((bytes, second) => {
    received += bytes;
    return fallback.tick({ now: (second + 1) * 1000, received, hasProvider });
  });
}

const nothing = (seconds: number) => new Array<number>(seconds).fill(0);

Deno.test("if no peer has the missing pieces, web seeds are used after a few seconds, for several at a time", () => {
  assert.deepEqual(ticks(nothing(4), { hasProvider: false }), [0, 0, 4, 4]);
});

Deno.test("peers that have the pieces but send nothing get more time, then web seeds help piece by piece", () => {
  assert.deepEqual(ticks(nothing(11), { hasProvider: true }), [...nothing(9), 1, 1]);
});

Deno.test("a random factor makes a swarm wait up to twice as long", () => {
  assert.deepEqual(ticks(nothing(7), { hasProvider: false, chance: 0.99 }), [...nothing(5), 4, 4]);
});

Deno.test("a trickle from peers counts as nothing, more than that ends the fallback", () => {
  assert.deepEqual(ticks([0, 1000, 1000, 16_384, 0, 0, 0], { hasProvider: false }), [0, 0, 4, 0, 0, 0, 4]);
});
