import assert from "node:assert/strict";
import { WebSeedFallback } from "./web_seed_fallback.ts";

/** What the ticks of successive seconds answer; `gave`: bytes that peers gave in each. */
function ticks(gave: readonly number[], { hasProvider, chance = 0 }: {
  hasProvider: boolean;
  chance?: number;
}): number[] {
  const drought = new WebSeedFallback({ now: 0, random: () => chance });
  let received = 0;
  return gave.map((bytes, second) => {
    received += bytes;
    return drought.tick({ now: (second + 1) * 1000, received, hasProvider });
  });
}

const nothing = (seconds: number) => new Array<number>(seconds).fill(0);

Deno.test("with no peer that has what is lacking, web seeds are asked after a few seconds, for several pieces", () => {
  assert.deepEqual(ticks(nothing(4), { hasProvider: false }), [0, 0, 4, 4]);
});

Deno.test("peers that have it and give nothing are waited for longer, and then helped out piece by piece", () => {
  assert.deepEqual(ticks(nothing(11), { hasProvider: true }), [...nothing(9), 1, 1]);
});

Deno.test("a swarm waits up to twice as long, by chance", () => {
  assert.deepEqual(ticks(nothing(7), { hasProvider: false, chance: 0.99 }), [...nothing(5), 4, 4]);
});

Deno.test("peers that give next to nothing count as giving nothing, those that give more end it", () => {
  assert.deepEqual(ticks([0, 1000, 1000, 16_384, 0, 0, 0], { hasProvider: false }), [0, 0, 4, 0, 0, 0, 4]);
});
