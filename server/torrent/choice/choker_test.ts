import assert from "node:assert/strict";
import { type ChokeCandidate, type SlotNeeds, slotsFor, turnSlots } from "./choker.ts";

interface Taker extends ChokeCandidate {
  readonly name: string;
}

function taker(name: string, changes: Partial<ChokeCandidate> = {}): Taker {
  return { name, have: 5, served: 0, isFar: false, ...changes };
}

function names(prefix: string, count: number, changes: Partial<ChokeCandidate> = {}): Taker[] {
  return Array.from({ length: count }, (_, index) => taker(`${prefix}${index}`, changes));
}

/** The names of those choked and unchoked. Ties go to the first. */
function turn(
  served: readonly Taker[],
  waiting: readonly Taker[],
  { slots, turnover = 0 }: { slots: number; turnover?: number },
): { choke: string[]; unchoke: string[] } {
  const { choke, unchoke } = turnSlots({ served, waiting }, { slots, turnover, random: () => 0.5 });
  return { choke: choke.map(({ name }) => name), unchoke: unchoke.map(({ name }) => name) };
}

Deno.test("with fewer takers than slots everyone has one and keeps it", () => {
  const served = names("s", 3);
  assert.deepEqual(turn(served, names("w", 2, { isFar: true }), { slots: 8, turnover: 4 }), {
    choke: [],
    unchoke: ["w0", "w1"],
  });
});

Deno.test("free slots go to peers without a piece, then to those we have sent least", () => {
  const waiting = [
    taker("much", { served: 9 }),
    taker("little", { served: 1 }),
    taker("new", { have: 0, served: 5 }),
    taker("some", { served: 4 }),
  ];
  assert.deepEqual(turn([], waiting, { slots: 3 }).unchoke, ["new", "little", "some"]);
});

Deno.test("slots that are due pass from the peers served longest", () => {
  assert.deepEqual(turn(names("s", 8), names("w", 9), { slots: 8, turnover: 2 }), {
    choke: ["s0", "s1"],
    unchoke: ["w0", "w1"],
  });
});

Deno.test("peers without a piece take slots from peers with some, up to half of the slots", () => {
  const served = [...names("empty", 2, { have: 0 }), ...names("s", 6)];
  assert.deepEqual(turn(served, names("new", 9, { have: 0 }), { slots: 8 }), {
    choke: ["s0", "s1", "s2", "s3"],
    unchoke: ["new0", "new1", "new2", "new3"],
  });
  assert.deepEqual(turn(names("empty", 8, { have: 0 }), names("new", 9, { have: 0 }), { slots: 8 }), {
    choke: [],
    unchoke: [],
  });
});

Deno.test("when slots become fewer, the peers served longest lose theirs", () => {
  assert.deepEqual(turn(names("s", 10), [], { slots: 8 }).choke, ["s0", "s1"]);
});

Deno.test("every taker gets its turn", () => {
  const takers = names("t", 20);
  let served: Taker[] = [];
  const times = new Map<string, number>();
  for (let round = 0; round < 100; round++) {
    const waiting = takers.filter((each) => !served.includes(each))
      .map((each) => ({ ...each, served: times.get(each.name) ?? 0 }));
    const { choke, unchoke } = turnSlots({ served, waiting }, { slots: 8, turnover: 1, random: Math.random });
    served = [...served.filter((each) => !choke.includes(each)), ...unchoke]
      .map(({ name }) => takers.find((each) => each.name === name)!);
    for (const { name } of served) times.set(name, (times.get(name) ?? 0) + 1);
  }
  const counts = takers.map(({ name }) => times.get(name) ?? 0);
  assert.ok(Math.min(...counts) >= 30 && Math.max(...counts) <= 50, `${counts}`);
});

Deno.test("near takers come before far ones, but a few far ones always have a slot", () => {
  const far = names("far", 6, { isFar: true });
  assert.deepEqual(
    turn([], [...far, ...names("w", 9)], { slots: 8 }).unchoke.filter((name) => /far/.test(name)),
    [
      "far0",
      "far1",
      "far2",
    ],
  );
  assert.deepEqual(turn([...names("s", 2), ...far], names("w", 9), { slots: 8, turnover: 3 }).choke, [
    "far0",
    "far1",
    "far2",
  ]);
});

Deno.test("slots follow the uplink; with more takers than slots and few pieces, they are fewer", () => {
  const slots = (needs: Partial<SlotNeeds>) =>
    slotsFor({ rate: 12_500_000, takers: 100, pieceLength: 1024 * 1024, have: 1000, deals: false, ...needs });
  assert.deepEqual([0, 6_250_000, 12_500_000, 1e9].map((rate) => slots({ rate })), [8, 23, 40, 40]);
  assert.deepEqual([0, 40, 100, 1000].map((have) => slots({ have })), [8, 8, 20, 40]);
  assert.deepEqual([0, 40, 100, 1000].map((have) => slots({ have, takers: 30 })), [40, 40, 40, 40]);
  assert.equal(slots({ have: 0, pieceLength: 256 * 1024 }), 33);
  assert.equal(slots({ deals: true }), 12);
});
