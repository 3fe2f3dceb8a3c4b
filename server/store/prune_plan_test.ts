import assert from "node:assert/strict";
import type { KeepPolicy } from "#contract/api.ts";
import { planPrune } from "./prune_plan.ts";

const DAY = 86_400;
const nowMs = Date.parse("2026-06-30T00:00:00Z");
const daysAgo = (days: number) => new Date(nowMs - days * DAY * 1000).toISOString();
const web = [100, 40, 20, 10, 1].map((days, i) => ({ image: "web", version: i + 1, created: daysAgo(days) }));
const db = [{ image: "db", version: 7, created: daysAgo(400) }];

const cases: [what: string, policy: KeepPolicy, needed: number[], removed: number[]][] = [
  ["the last two", { keepLast: 2 }, [], [3, 2, 1]],
  ["the last one, at least", { keepLast: 1 }, [], [4, 3, 2, 1]],
  ["more than there are", { keepLast: 9 }, [], []],
  ["those of thirty days", { keepNewerThanSeconds: 30 * DAY }, [], [2, 1]],
  ["the newest, however old", { keepNewerThanSeconds: 1 }, [], [4, 3, 2, 1]],
  ["what either limit keeps", { keepLast: 4, keepNewerThanSeconds: 15 * DAY }, [], [1]],
  ["what somebody needs", { keepLast: 2 }, [1, 2], [3]],
];

for (const [what, policy, needed, removed] of cases) {
  Deno.test(`pruning keeps ${what}`, () => {
    const need = ({ version }: { version: number }) =>
      needed.includes(version) ? "node n1 has it" : undefined;
    const plan = planPrune([...web, ...db], policy, { nowMs, need });
    assert.deepEqual(plan.removed.map((v) => v.version), removed);
    assert.ok(plan.removed.every((v) => v.image === "web"));
    assert.equal(plan.kept.length + plan.removed.length, 6);
    assert.deepEqual(
      plan.kept.filter((k) => k.reason === "node n1 has it").map((k) => k.version.version),
      needed.toReversed(),
    );
  });
}
