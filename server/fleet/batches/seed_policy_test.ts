import assert from "node:assert/strict";
import { DEFAULT_SEED, type SeedPolicy } from "#contract/api/distribution.ts";
import { decideSeeding, type Fetcher, median, type Seeder, type SwarmView } from "./seed_policy.ts";

const NOW = 1_000_000;
/** How long the nodes below took to fetch. */
const TYPICAL_MS = 60_000;

const seeder = (node: string, seedsForMs: number, policy: SeedPolicy = DEFAULT_SEED): Seeder => ({
  node,
  sinceMs: NOW - seedsForMs,
  policy,
});
/** `done`: share of the image that it has. */
const fetcher = (node: string, { fetchesForMs, done }: { fetchesForMs: number; done: number }): Fetcher => ({
  node,
  sinceMs: NOW - fetchesForMs,
  progress: { bytesDone: done * 1e9, bytesTotal: 1e9 },
});
const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Names of the nodes that keep seeding. */
function seeding(spread: Partial<SwarmView>, now = NOW): string[] {
  const fetchedMs = spread.fetchedMs ?? many(spread.seeders?.length ?? 0, () => TYPICAL_MS);
  const decisions = decideSeeding({ seeders: [], fetchers: [], ...spread, fetchedMs }, now);
  return [...decisions].filter(([, { on }]) => on).map(([node]) => node).sort();
}

Deno.test("a finished node keeps seeding for those that fetch, and says for which", () => {
  const fetchers = [
    fetcher("n7", { fetchesForMs: 50_000, done: 0.8 }),
    fetcher("n3", { fetchesForMs: 55_000, done: 0.9 }),
  ];
  const decisions = decideSeeding({ seeders: [seeder("n1", 1000)], fetchers, fetchedMs: [TYPICAL_MS] }, NOW);
  assert.deepEqual(decisions.get("n1"), { on: true, for: ["n3", "n7"], reason: "keeps seeding for n3, n7" });
});

Deno.test("when every node has everything, none keeps seeding", () => {
  const seeders = many(16, (i) => seeder(`n${i}`, 1000));
  const decisions = decideSeeding({ seeders, fetchers: [], fetchedMs: [] }, NOW);
  assert.deepEqual(
    new Set([...decisions.values()].map((d) => `${d.on} ${d.reason}`)),
    new Set([
      "false no node fetches any more",
    ]),
  );
});

Deno.test("as many keep seeding as fetch; of the rest, the one that has seeded longest stops first", () => {
  const seeders = many(14, (i) => seeder(`n${i}`, 1000 * i));
  const fetchers = many(2, (i) => fetcher(`t${i}`, { fetchesForMs: 70_000, done: 0.9 }));
  assert.deepEqual(seeding({ seeders, fetchers }), ["n0", "n1"]);
  assert.deepEqual(seeding({ seeders: seeders.slice(0, 2), fetchers }), ["n0", "n1"]);
});

Deno.test("one node ten times slower than the rest keeps no node of a rack of sixteen seeding", () => {
  const seeders = many(15, (i) => seeder(`n${i}`, 5000));
  const slow = fetcher("slow", { fetchesForMs: 65_000, done: 0.1 });
  assert.deepEqual(seeding({ seeders, fetchers: [slow] }), []);
  const other = fetcher("other", { fetchesForMs: 65_000, done: 0.9 });
  assert.equal(seeding({ seeders, fetchers: [slow, other] }).length, 1, "the other one needs one seeder");
});

Deno.test("of two nodes the slow one does not keep the fast one seeding", () => {
  const slow = fetcher("slow", { fetchesForMs: 65_000, done: 0.1 });
  assert.deepEqual(seeding({ seeders: [seeder("fast", 1000)], fetchers: [slow] }), []);
});

Deno.test("if most nodes are slow, they are the batch: as many seeders help them as they can use", () => {
  const seeders = many(4, (i) => seeder(`n${i}`, 5000));
  const fetchers = many(12, (i) => fetcher(`t${i}`, { fetchesForMs: 60_000, done: 0.2 }));
  assert.equal(seeding({ seeders, fetchers }).length, 3, "12 nodes at a fifth of the pace");
});

Deno.test("a latecomer keeps only nodes seeding that finished after it began", () => {
  const late = fetcher("late", { fetchesForMs: 20_000, done: 0.3 });
  assert.deepEqual(
    seeding({ seeders: [seeder("early", 300_000), seeder("recent", 10_000)], fetchers: [late] }),
    [
      "recent",
    ],
  );
});

Deno.test("a node that comes up within the grace period counts before it fetches anything", () => {
  const booting: Fetcher = { node: "b", sinceMs: NOW };
  assert.deepEqual(seeding({ seeders: [seeder("a", 20_000)], fetchers: [booting] }), ["a"]);
  assert.deepEqual(seeding({ seeders: [seeder("a", 40_000)], fetchers: [booting] }), []);
});

Deno.test("a node that comes up and never begins to fetch is given up", () => {
  const stuck: Fetcher = { node: "b", sinceMs: NOW - 131_000 };
  assert.deepEqual(seeding({ seeders: [seeder("a", 120_000)], fetchers: [stuck] }), []);
});

Deno.test("no node is slow before its speed is known", () => {
  const fresh = fetcher("fresh", { fetchesForMs: 4000, done: 0.001 });
  assert.deepEqual(seeding({ seeders: [seeder("a", 1000)], fetchers: [fresh] }), ["a"]);
});

Deno.test("policies: none never seeds, for a time always, while needed up to its limit", () => {
  const fetchers = [fetcher("t", { fetchesForMs: 60_000, done: 0.9 })];
  const cases: [policy: SeedPolicy, seedsForMs: number, fetchers: Fetcher[], on: boolean][] = [
    [{ mode: "none" }, 0, fetchers, false],
    [{ mode: "for", seconds: 60 }, 59_000, [], true],
    [{ mode: "for", seconds: 60 }, 60_000, fetchers, false],
    [{ mode: "while-needed", seconds: 60 }, 59_000, fetchers, true],
    [{ mode: "while-needed", seconds: 60 }, 60_000, fetchers, false],
  ];
  for (const [policy, forMs, fetchers, on] of cases) {
    const wanted = on ? ["a"] : [];
    assert.deepEqual(
      seeding({ seeders: [seeder("a", forMs, policy)], fetchers }),
      wanted,
      JSON.stringify(policy),
    );
  }
});

Deno.test("a node that seeds for a fixed time does not count as one of the needed seeders", () => {
  const seeders = [seeder("fixed", 0, { mode: "for", seconds: 600 }), seeder("needed", 1000)];
  const fetchers = [fetcher("t", { fetchesForMs: 60_000, done: 0.9 })];
  assert.deepEqual(seeding({ seeders, fetchers }), ["fixed", "needed"]);
});

Deno.test("ten thousand nodes are decided on in one go", () => {
  const seeders = many(5000, (i) => seeder(`g${i}`, i));
  const fetchers = many(5000, (i) => fetcher(`t${i}`, { fetchesForMs: 60_000, done: 0.9 }));
  assert.equal(seeding({ seeders, fetchers }).length, 5000);
});

Deno.test("the median is the lower middle", () => {
  assert.deepEqual([median([]), median([3]), median([9, 1]), median([5, 1, 3])], [undefined, 3, 1, 3]);
});
