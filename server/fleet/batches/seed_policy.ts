/**
 * Which finished nodes keep seeding, and for whom. Pure: what is known of the nodes of one version goes in.
 *
 * A node seeds while others fetch what it has. Three rules keep it from seeding for nothing:
 * - not for latecomers: the server, and nodes that finished later, serve a node that began after this one finished;
 * - not for slow nodes: a rack full of seeders does not help a node that takes far longer than the rest;
 * - one seeder per fetching node fills that node's link: of any more, those that have seeded longest stop first.
 */
import type { SeedPolicy } from "#contract/api/distribution.ts";

/** A node that has everything and is in its step "seed". */
export interface Seeder {
  readonly node: string;
  /** When it began to seed. */
  readonly sinceMs: number;
  readonly policy: SeedPolicy;
}

/** A node that fetches, or soon will. */
export interface Fetcher {
  readonly node: string;
  /** When it began to fetch; before that, when it came up. */
  readonly sinceMs: number;
  /** Absent before it fetches. */
  readonly progress?: { readonly bytesDone: number; readonly bytesTotal: number } | undefined;
}

export interface SwarmView {
  readonly seeders: readonly Seeder[];
  readonly fetchers: readonly Fetcher[];
  /** For each node that has everything: how long it fetched. */
  readonly fetchedMs: readonly number[];
}

export interface SeedDecision {
  readonly on: boolean;
  /** For whom: names of at most 20 nodes, earliest first. */
  readonly for: readonly string[];
  readonly reason: string;
}

/** A node that comes up this long after another began to seed is not a latecomer yet. */
const GRACE_MS = 30_000;
/** A node is slow if it will take longer than the typical time times the factor, plus the slack. */
const SLOW_FACTOR = 2, SLOW_SLACK_MS = 10_000;
const MAX_NAMES = 20;
/** Before this a node's speed means nothing. */
const WARM_UP_MS = 5000;

export function decideSeeding(
  { seeders, fetchers, fetchedMs }: SwarmView,
  now: number,
): Map<string, SeedDecision> {
  const typicalMs = median(fetchedMs);
  const judged = fetchers.map((fetcher) => ({ fetcher, ...judge(fetcher, { typicalMs, now }) }));
  const slow = judged.filter((j) => j.slow);
  // slow nodes are the exception: if more than half are slow, that is simply how fast it goes
  const helped =
    (slow.length * 2 <= fetchedMs.length + fetchers.length ? judged.filter((j) => !j.slow) : judged)
      .sort((a, b) => a.fetcher.sinceMs - b.fetcher.sinceMs);
  const names = helped.map(({ fetcher }) => fetcher.node);
  let inTime = helped.length, demand = helped.reduce((sum, j) => sum + j.demand, 0);
  const newestFirst = [...seeders].sort((a, b) => b.sinceMs - a.sinceMs || (a.node < b.node ? -1 : 1));
  const decisions = new Map<string, SeedDecision>();
  let kept = 0;
  for (const seeder of newestFirst) {
    // the earlier it finished, the fewer nodes had begun by then
    for (; (helped[inTime - 1]?.fetcher.sinceMs ?? 0) > seeder.sinceMs + GRACE_MS; inTime--) {
      demand -= helped[inTime - 1]?.demand ?? 0;
    }
    const wanted = {
      names,
      count: inTime,
      seedersNeeded: Math.ceil(demand - 1e-6),
      fetching: fetchers.length,
    };
    const decision = decide(seeder, { wanted, kept, now });
    if (decision.on && seeder.policy.mode === "while-needed") kept++;
    decisions.set(seeder.node, decision);
  }
  return decisions;
}

interface Judged {
  readonly fetcher: Fetcher;
  readonly slow: boolean;
  /** How many seeders can keep it busy: 1, or less if it is slow. */
  readonly demand: number;
}

function judge(
  { sinceMs, progress }: Fetcher,
  { typicalMs, now }: { typicalMs: number | undefined; now: number },
): Omit<Judged, "fetcher"> {
  const elapsedMs = now - sinceMs;
  if (typicalMs === undefined || elapsedMs < WARM_UP_MS) return { slow: false, demand: 1 };
  const { bytesDone, bytesTotal } = progress ?? { bytesDone: 0, bytesTotal: 0 };
  const expectedMs = bytesDone > 0 ? elapsedMs * bytesTotal / bytesDone : elapsedMs;
  if (expectedMs <= SLOW_FACTOR * typicalMs + SLOW_SLACK_MS) return { slow: false, demand: 1 };
  return { slow: true, demand: typicalMs / expectedMs };
}

interface Wanted {
  /** The nodes to be helped: the first `count` of these. */
  readonly names: readonly string[];
  readonly count: number;
  /** How many seeders suffice for them. */
  readonly seedersNeeded: number;
  /** How many nodes fetch in all. */
  readonly fetching: number;
}

/** `kept`: how many nodes that began to seed later keep seeding. */
function decide(
  { sinceMs, policy }: Seeder,
  { wanted, kept, now }: { wanted: Wanted; kept: number; now: number },
): SeedDecision {
  const off = (reason: string) => ({ on: false, for: [], reason });
  if (policy.mode === "none") return off("the policy is not to seed after the installation");
  if (now - sinceMs >= policy.seconds * 1000) {
    return off(`it has seeded for ${policy.seconds} s, the limit of the policy`);
  }
  const names = wanted.names.slice(0, Math.min(wanted.count, MAX_NAMES));
  if (policy.mode === "for") return { on: true, for: names, reason: `seeds for ${policy.seconds} s` };
  if (wanted.fetching === 0) return off("no node fetches any more");
  if (wanted.count === 0) return off("only latecomers and slow nodes fetch, and the server serves those");
  if (kept >= wanted.seedersNeeded) {
    return off(`${kept} others keep seeding, enough for the ${wanted.fetching} that fetch`);
  }
  return { on: true, for: names, reason: `keeps seeding for ${shown(names, wanted.count)}` };
}

function shown(names: readonly string[], count: number): string {
  return count <= 5 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${count - 5} more`;
}

/** Of an even number, the lower of the two middle values. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}
