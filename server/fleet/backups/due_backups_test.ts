import assert from "node:assert/strict";
import type { CaptureView } from "#contract/api.ts";
import { dueBackups, freeSlots, type ScheduledNode } from "./due_backups.ts";

const HOUR = 3600;
const nowMs = Date.parse("2026-06-30T12:00:00Z");
const hoursAgo = (hours: number) => new Date(nowMs - hours * HOUR * 1000).toISOString();
const node = (name: string, change: Partial<ScheduledNode> = {}): ScheduledNode => ({
  name,
  image: name,
  everySeconds: 24 * HOUR,
  online: true,
  ...change,
});
const version = (image: string, hours: number) => ({ image, created: hoursAgo(hours) });
const capture = (image: string, state: CaptureView["state"], hours: number) => ({
  image,
  state,
  started: hoursAgo(hours),
});

const cases: [
  what: string,
  nodes: ScheduledNode[],
  captures: ReturnType<typeof capture>[],
  versions: ReturnType<typeof version>[],
  due: string[],
][] = [
  ["a node that was never backed up", [node("n1")], [], [], ["n1"]],
  ["a node whose backup is old", [node("n1")], [], [version("n1", 24), version("n1", 60)], ["n1"]],
  ["no node whose backup is new", [node("n1")], [], [version("n1", 60), version("n1", 23)], []],
  ["no node without a schedule", [node("n1", { everySeconds: undefined })], [], [], []],
  ["no node whose agent is not connected", [node("n1", { online: false })], [], [], []],
  ["no node whose backup is running", [node("n1")], [capture("n1", "receiving", 1)], [], []],
  ["no node whose backup failed just now", [node("n1")], [capture("n1", "failed", 0.1)], [], []],
  ["a node whose backup failed a while ago", [node("n1")], [capture("n1", "failed", 0.2)], [], ["n1"]],
  ["two at a time, the oldest first", [node("n1"), node("n2"), node("n3")], [], [version("n1", 30)], [
    "n2",
    "n3",
  ]],
];

for (const [what, nodes, captures, versions, due] of cases) {
  Deno.test(`due for its backup is ${what}`, () => {
    assert.deepEqual(dueBackups(nodes, { captures, versions, nowMs }), due);
  });
}

Deno.test("running backups count against the limit", () => {
  const nodes = [node("n1"), node("n2"), node("n3"), node("free", { everySeconds: undefined })];
  const versions = [version("n2", 30)];
  const due = (...running: string[]) =>
    dueBackups(nodes, { captures: running.map((n) => capture(n, "publishing", 1)), versions, nowMs });
  assert.deepEqual(due("n1"), ["n3"]);
  assert.deepEqual(due("n1", "n2"), []);
  assert.deepEqual(due("free", "web"), ["n1", "n3"]);
});

Deno.test("backups that a schedule began count against the limit, whatever node they are of", () => {
  const nodes = [node("n1"), node("n2"), node("free", { everySeconds: undefined })];
  const scheduled = { ...capture("free", "receiving", 1), isScheduled: true };
  const due = (...captures: (typeof scheduled)[]) => dueBackups(nodes, { captures, versions: [], nowMs });
  assert.deepEqual(due(scheduled), ["n1"]);
  assert.equal(freeSlots(nodes, [scheduled]), 1);
  assert.equal(freeSlots(nodes, [scheduled, capture("n1", "publishing", 1)]), 0);
  assert.equal(freeSlots(nodes, [{ ...scheduled, state: "published" }, capture("free", "receiving", 1)]), 2);
});
