import assert from "node:assert/strict";
import { DEFAULT_SEED, type SeedPolicy } from "#contract/api/distribution.ts";
import { decideSeeding, type Giver, median, type SwarmView, type Taker } from "./seed_policy.ts";

const NOW = 1_000_000;
/** How long the nodes below took to fetch. */
const TYPICAL_MS = 60_000;

const giver = (node: string, seedsForMs: number, policy: SeedPolicy = DEFAULT_SEED): Giver => ({
  node,
  sinceMs: NOW - seedsForMs,
  policy,
});
/** `done`: share of the image that it has. */
const taker = (node: string, { fetchesForMs, done }: { fetchesForMs: number; done: number }): Taker => ({
  node,
  sinceMs: NOW - fetchesForMs,
  progress: { bytesDone: done * 1e9, bytesTotal: 1e9 },
});
const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Names of the nodes that keep seeding. */
function seeding(spread: Partial<SwarmView>, now = NOW): string[] {
  const fetchedMs = spread.fetchedMs ?? many(spread.givers?.length ?? 0, () => TYPICAL_MS);
  const decisions = decideSeeding({ givers: [], takers: [], ...spread, fetchedMs }, now);
  return [...decisions].filter(([, { on }]) => on).map(([node]) => node).sort();
}

Deno.test("a finished node keeps seeding for those that fetch, and says for which", () => {
  const takers = [
    taker("n7", { fetchesForMs: 50_000, done: 0.8 }),
    taker("n3", { fetchesForMs: 55_000, done: 0.9 }),
  ];
  const decisions = decideSeeding({ givers: [giver("n1", 1000)], takers, fetchedMs: [TYPICAL_MS] }, NOW);
  assert.deepEqual(decisions.get("n1"), { on: true, for: ["n3", "n7"], reason: "keeps seeding for n3, n7" });
});

Deno.test("when every node has everything, none keeps seeding", () => {
  const givers = many(16, (i) => giver(`n${i}`, 1000));
  const decisions = decideSeeding({ givers, takers: [], fetchedMs: [] }, NOW);
  assert.deepEqual(
    new Set([...decisions.values()].map((d) => `${d.on} ${d.reason}`)),
    new Set([
      "false no node fetches any more",
    ]),
  );
});

Deno.test("as many keep seeding as fetch; of the rest, the one that has seeded longest stops first", () => {
  const givers = many(14, (i) => giver(`n${i}`, 1000 * i));
  const takers = many(2, (i) => taker(`t${i}`, { fetchesForMs: 70_000, done: 0.9 }));
  assert.deepEqual(seeding({ givers, takers }), ["n0", "n1"]);
  assert.deepEqual(seeding({ givers: givers.slice(0, 2), takers }), ["n0", "n1"]);
});

Deno.test("one node ten times slower than the rest keeps no node of a rack of sixteen seeding", () => {
  const givers = many(15, (i) => giver(`n${i}`, 5000));
  const slow = taker("slow", { fetchesForMs: 65_000, done: 0.1 });
  assert.deepEqual(seeding({ givers, takers: [slow] }), []);
  const other = taker("other", { fetchesForMs: 65_000, done: 0.9 });
  assert.equal(seeding({ givers, takers: [slow, other] }).length, 1, "the other one needs one seeder");
});

Deno.test("of two nodes the slow one does not keep the fast one seeding", () => {
  const slow = taker("slow", { fetchesForMs: 65_000, done: 0.1 });
  assert.deepEqual(seeding({ givers: [giver("fast", 1000)], takers: [slow] }), []);
});

Deno.test("if most nodes are slow, they are the batch: as many seeders help them as they can use", () => {
  const givers = many(4, (i) => giver(`n${i}`, 5000));
  const takers = many(12, (i) => taker(`t${i}`, { fetchesForMs: 60_000, done: 0.2 }));
  assert.equal(seeding({ givers, takers }).length, 3, "12 nodes at a fifth of the pace");
});

Deno.test("a latecomer keeps only nodes seeding that finished after it began", () => {
  const late = taker("late", { fetchesForMs: 20_000, done: 0.3 });
  assert.deepEqual(seeding({ givers: [giver("early", 300_000), giver("recent", 10_000)], takers: [late] }), [
    "recent",
  ]);
});

Deno.test("a node that comes up within the grace period counts before it fetches anything", () => {
  const booting: Taker = { node: "b", sinceMs: NOW };
  assert.deepEqual(seeding({ givers: [giver("a", 20_000)], takers: [booting] }), ["a"]);
  assert.deepEqual(seeding({ givers: [giver("a", 40_000)], takers: [booting] }), []);
});

Deno.test("a node that comes up and never begins to fetch is given up", () => {
  const stuck: Taker = { node: "b", sinceMs: NOW - 131_000 };
  assert.deepEqual(seeding({ givers: [giver("a", 120_000)], takers: [stuck] }), []);
});

Deno.test("no node is slow before its speed is known", () => {
  const fresh = taker("fresh", { fetchesForMs: 4000, done: 0.001 });
  assert.deepEqual(seeding({ givers: [giver("a", 1000)], takers: [fresh] }), ["a"]);
});

Deno.test("policies: none never seeds, for a time always, while needed up to its limit", () => {
  const takers = [taker("t", { fetchesForMs: 60_000, done: 0.9 })];
  const cases: [policy: SeedPolicy, seedsForMs: number, takers: Taker[], on: boolean][] = [
    [{ mode: "none" }, 0, takers, false],
    [{ mode: "for", seconds: 60 }, 59_000, [], true],
    [{ mode: "for", seconds: 60 }, 60_000, takers, false],
    [{ mode: "while-needed", seconds: 60 }, 59_000, takers, true],
    [{ mode: "while-needed", seconds: 60 }, 60_000, takers, false],
  ];
  for (const [policy, forMs, takers, on] of cases) {
    const wanted = on ? ["a"] : [];
    assert.deepEqual(
      seeding({ givers: [giver("a", forMs, policy)], takers }),
      wanted,
      JSON.stringify(policy),
    );
  }
});

Deno.test("a node that seeds for a fixed time does not count as one of the needed seeders", () => {
  const givers = [giver("fixed", 0, { mode: "for", seconds: 600 }), giver("needed", 1000)];
  const takers = [taker("t", { fetchesForMs: 60_000, done: 0.9 })];
  assert.deepEqual(seeding({ givers, takers }), ["fixed", "needed"]);
});

Deno.test("ten thousand nodes are decided on in one go", () => {
  const givers = many(5000, (i) => giver(`g${i}`, i));
  const takers = many(5000, (i) => taker(`t${i}`, { fetchesForMs: 60_000, done: 0.9 }));
  assert.equal(seeding({ givers, takers }).length, 5000);
});

Deno.test("the median is the lower middle", () => {
  assert.deepEqual([median([]), median([3]), median([9, 1]), median([5, 1, 3])], [undefined, 3, 1, 3]);
});
