import assert from "node:assert/strict";
import type { MacAddress } from "./address.ts";
import { FirstPackets, type LateMachine } from "./first_packets.ts";

const MAC = "52:54:00:00:00:01" as MacAddress;
const HOUR_MS = 3600_000;

/** What is late after the DISCOVERs with these `secs`, which arrive when they say, from `beginMs` on. */
function lateAfter(
  attempts: readonly { beginMs: number; secs: readonly number[] }[],
  known: readonly LateMachine[] = [],
): readonly LateMachine[] {
  let late = known;
  const packets = new FirstPackets(known, { nowMs: 0, onChange: (list) => late = list });
  for (const { beginMs, secs } of attempts) {
    for (const s of secs) packets.discover({ mac: MAC, secs: s }, beginMs + (s > 255 ? s >> 8 : s) * 1000);
  }
  return late;
}

const CASES: [what: string, secs: number[], seconds: number | undefined][] = [
  ["an edge port", [0, 4, 12], undefined],
  ["one lost packet", [4, 12, 28], undefined],
  ["two lost packets", [12, 28], undefined],
  ["spanning tree", [28], 28],
  ["spanning tree, and firmware that tries on", [32, 60], 32],
  ["firmware that swaps the bytes of `secs`", [28 << 8], 28],
];

for (const [what, secs, seconds] of CASES) {
  Deno.test(`${what}: ${secs.join(", ")} s`, () => {
    assert.deepEqual(
      lateAfter([{ beginMs: HOUR_MS, secs }]).map((late) => late.seconds),
      seconds ? [seconds] : [],
    );
  });
}

Deno.test("a machine that began before the server listened says nothing", () => {
  assert.deepEqual(lateAfter([{ beginMs: -20_000, secs: [28] }]), []);
});

Deno.test("each boot counts by itself, and a prompt one ends the finding", () => {
  const [first, second] = [{ beginMs: HOUR_MS, secs: [28] }, { beginMs: 2 * HOUR_MS, secs: [32] }];
  assert.deepEqual(lateAfter([first, second]).map(({ seconds }) => seconds), [32]);
  assert.deepEqual(lateAfter([first, { beginMs: 2 * HOUR_MS, secs: [0] }]), []);
  const known = [{ mac: MAC, seconds: 28, at: "2026-11-30T10:00:00.000Z" }];
  assert.deepEqual(lateAfter([], known), known);
  assert.deepEqual(lateAfter([{ beginMs: HOUR_MS, secs: [0] }], known), []);
});
