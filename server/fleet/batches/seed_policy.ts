/**
 * Which finished nodes seed on, and for whom. Pure: what is known of the nodes that bear one version goes in.
 *
 * A node seeds while others fetch what it has. Three rules keep it from being held for nothing:
 * - latecomers hold nobody: who began after a node was done is served by the server and by those done later;
 * - slow nodes hold nobody: who takes far longer than the rest is not helped by a rack full of seeders;
 * - one seeder a fetching node is enough to fill its link: of more, those that have seeded longest go.
 */
import type { SeedPolicy } from "#contract/api/distribution.ts";

/** A node that has all and is in its step "seed". */
export interface Giver {
  readonly node: string;
  /** When it began to seed. */
  readonly sinceMs: number;
  readonly policy: SeedPolicy;
}

/** A node that fetches, or is on its way to. */
export interface Taker {
  readonly node: string;
  /** When it began to fetch; before, when it came up. */
  readonly sinceMs: number;
  /** Absent before it fetches. */
  readonly progress?: { readonly bytesDone: number; readonly bytesTotal: number } | undefined;
}

export interface Spread {
  readonly givers: readonly Giver[];
  readonly takers: readonly Taker[];
  /** How long each of those took to fetch that have all. */
  readonly fetchedMs: readonly number[];
}

export interface SeedDecision {
  readonly on: boolean;
  /** For whom: some of their names, those that came first first. */
  readonly for: readonly string[];
  readonly reason: string;
}

/** Who comes up so long after a node began to seed still counts as of its batch. */
const GRACE_MS = 30_000;
/** A node is slow that will take so many times the typical time, and this much more. */
const SLOW_FACTOR = 2, SLOW_SLACK_MS = 10_000;
const MAX_NAMES = 20;
/** So long a node's speed is no measure yet. */
const WARM_UP_MS = 5000;

export function decideSeeding({ givers, takers, fetchedMs }: Spread, now: number): Map<string, SeedDecision> {
  const typicalMs = median(fetchedMs);
  const judged = takers.map((taker) => ({ taker, ...judge(taker, { typicalMs, now }) }));
  const slow = judged.filter((j) => j.slow);
  // slow nodes are the exception: where half of all are slow, that is how fast it goes
  const helped =
    (slow.length * 2 <= fetchedMs.length + takers.length ? judged.filter((j) => !j.slow) : judged)
      .sort((a, b) => a.taker.sinceMs - b.taker.sinceMs);
  const names = helped.map(({ taker }) => taker.node);
  let inTime = helped.length, demand = helped.reduce((sum, j) => sum + j.demand, 0);
  const newestFirst = [...givers].sort((a, b) => b.sinceMs - a.sinceMs || (a.node < b.node ? -1 : 1));
  const decisions = new Map<string, SeedDecision>();
  let kept = 0;
  for (const giver of newestFirst) {
    // the earlier it was done, the fewer had begun by then
    for (; (helped[inTime - 1]?.taker.sinceMs ?? 0) > giver.sinceMs + GRACE_MS; inTime--) {
      demand -= helped[inTime - 1]?.demand ?? 0;
    }
    const wanted = { names, count: inTime, seeders: Math.ceil(demand - 1e-6), fetching: takers.length };
    const decision = decide(giver, { wanted, kept, now });
    if (decision.on && giver.policy.mode === "while-needed") kept++;
    decisions.set(giver.node, decision);
  }
  return decisions;
}

interface Judged {
  readonly taker: Taker;
  readonly slow: boolean;
  /** How many seeders it can draw from: 1, or less where it is slow. */
  readonly demand: number;
}

function judge(
  { sinceMs, progress }: Taker,
  { typicalMs, now }: { typicalMs: number | undefined; now: number },
): Omit<Judged, "taker"> {
  const elapsedMs = now - sinceMs;
  if (typicalMs === undefined || elapsedMs < WARM_UP_MS) return { slow: false, demand: 1 };
  const { bytesDone, bytesTotal } = progress ?? { bytesDone: 0, bytesTotal: 0 };
  const expectedMs = bytesDone > 0 ? elapsedMs * bytesTotal / bytesDone : elapsedMs;
  if (expectedMs <= SLOW_FACTOR * typicalMs + SLOW_SLACK_MS) return { slow: false, demand: 1 };
  return { slow: true, demand: typicalMs / expectedMs };
}

interface Wanted {
  /** Who is to be helped: the first `count` of these. */
  readonly names: readonly string[];
  readonly count: number;
  /** How many seeders help them. */
  readonly seeders: number;
  /** How many fetch in all. */
  readonly fetching: number;
}

/** `kept`: how many seed on that have seeded for less long. */
function decide(
  { sinceMs, policy }: Giver,
  { wanted, kept, now }: { wanted: Wanted; kept: number; now: number },
): SeedDecision {
  const off = (reason: string) => ({ on: false, for: [], reason });
  if (policy.mode === "none") return off("the policy is to seed no longer than needed for oneself");
  if (now - sinceMs >= policy.seconds * 1000) {
    return off(`it has seeded for ${policy.seconds} s, as long as the policy has it`);
  }
  const names = wanted.names.slice(0, Math.min(wanted.count, MAX_NAMES));
  if (policy.mode === "for") return { on: true, for: names, reason: `seeds for ${policy.seconds} s` };
  if (wanted.fetching === 0) return off("nobody fetches any more");
  if (wanted.count === 0) return off("only latecomers and slow nodes fetch, whom the server serves");
  if (kept >= wanted.seeders) {
    return off(`${kept} others seed on, enough for the ${wanted.fetching} that fetch`);
  }
  return { on: true, for: names, reason: `seeds on for ${shown(names, wanted.count)}` };
}

function shown(names: readonly string[], count: number): string {
  return count <= 5 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${count - 5} more`;
}

/** The lower one of two in the middle. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
