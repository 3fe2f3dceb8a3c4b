import assert from "node:assert/strict";
import { type ChokeCandidate, chooseUnchoked, slotsFor } from "./choker.ts";

function peer(changes: Partial<ChokeCandidate>): ChokeCandidate {
  return { peerInterested: true, amChoking: true, served: 0, isFar: false, ...changes };
}

/** The numbers of those chosen, where the last candidate has the luck. */
function chosen(candidates: readonly ChokeCandidate[], slots: number): number[] {
  const set = chooseUnchoked(candidates, { slots, random: () => 0.999 });
  return [...candidates.keys()].filter((index) => set.has(candidates[index]!));
}

Deno.test("with fewer takers than slots everyone who is interested gets one", () => {
  const candidates = [peer({}), peer({ peerInterested: false }), peer({ isFar: true })];
  assert.deepEqual(chosen(candidates, 8), [0, 2]);
});

Deno.test("those who had least come first, and one is lucky", () => {
  const candidates = [
    peer({ served: 9 }),
    peer({ served: 5 }),
    peer({ served: 50 }),
    peer({ served: 1 }),
    peer({ served: 70 }),
  ];
  assert.deepEqual(chosen(candidates, 4), [0, 1, 3, 4]);
});

Deno.test("a seed goes round: whoever had least is served next", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const served = [0, 0, 0, 0, 0, 0];
  for (let round = 0; round < 30; round++) {
    const candidates = served.map((bytes) => peer({ served: bytes }));
    const set = chooseUnchoked(candidates, { slots: 3, random });
    assert.equal(set.size, 3);
    for (const [index, candidate] of candidates.entries()) if (set.has(candidate)) served[index]! += 1;
  }
  assert.ok(Math.min(...served) >= 12 && Math.max(...served) <= 20, `${served}`);
});

Deno.test("near takers come before far ones, of which some always have a slot", () => {
  const candidates = [
    ...Array.from({ length: 6 }, () => peer({ isFar: true })),
    ...Array.from({ length: 6 }, () => peer({})),
  ];
  const far = chosen(candidates, 8).filter((index) => index < 6);
  assert.ok(far.length >= 3 && far.length <= 4, `${far}`);
});

Deno.test("slots grow with the uplink, within bounds", () => {
  assert.deepEqual([0, 6_250_000, 12_500_000, 1e9].map(slotsFor), [8, 24, 40, 40]);
});
