import assert from "node:assert/strict";
import { ScheduleAdd, type ScheduleDetails } from "#contract/api/schedules.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Act } from "../store/audit_log.ts";
import { Nodes } from "../store/nodes.ts";
import { type Maker, type RunRecord, Schedules } from "../store/schedules.ts";
import { nodeNames } from "../words/node_names.ts";
import { Scheduler } from "./scheduler.ts";
import { FakeWork } from "./testing/fake_work.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const ANNA: Maker = { name: "anna (token ci)", user: "anna", role: "operator" };
const LAB = { name: "lab", nodes: ["@lab"], cron: "0 3 * * *", zone: "UTC", order: { work: "restore" } };

/** Nodes n1 to n6 in the group "lab", a clock, and people who are told of everything. */
class Site implements Disposable {
  readonly db = emptyDatabase();
  readonly clock = { ms: Date.parse("2026-06-01T12:00:00Z") };
  readonly nodes = new Nodes(this.db, { now: () => this.clock.ms });
  readonly work = new FakeWork();
  readonly acts: Act[] = [];
  readonly ends: [outcome: string, reason: string | undefined][] = [];
  readonly troubles: (string | undefined)[] = [];
  changes = 0;
  refusal: RackseedError | undefined;
  scheduler: Scheduler;

  constructor({ nodes = 6 } = {}) {
    for (let i = 1; i <= nodes; i++) this.nodes.put(`n${i}`, { group: "lab" });
    this.scheduler = this.start();
  }

  /** A server that is started with what is stored. */
  start(): Scheduler {
    const { nodes, work } = this;
    return this.scheduler = new Scheduler({
      store: new Schedules(this.db, { keys: "/nonexistent" }),
      works: { deploy: work, restore: work, backup: work, check: work },
      find: (key) => nodes.find(key),
      resolve: (patterns) => nodeNames(patterns, { nodes: nodes.list() }),
      refusal: () => this.refusal,
      record: (act) => {
        this.acts.push(act);
        return { end() {} };
      },
      onChange: () => this.changes++,
      onEnd: (_, { outcome, reason }: RunRecord) => this.ends.push([outcome ?? "", reason]),
      onTrouble: (_, problem) => this.troubles.push(problem),
      zone: "UTC",
      now: () => this.clock.ms,
    });
  }

  add(change: object = {}): ScheduleDetails {
    return this.scheduler.add(ScheduleAdd.parse({ ...LAB, ...change }), ANNA);
  }

  /** Sets the clock, and lets the server look at it. */
  at(iso: string): void {
    this.clock.ms = Date.parse(iso);
    this.scheduler.tick();
  }

  /** These nodes end so. */
  end(state: "done" | "failed" | "begun", ...names: string[]): void {
    for (const name of names) {
      this.work.set(name, state, state === "failed" ? "its disk is too small" : undefined);
    }
    this.scheduler.tick();
  }

  get counts() {
    return this.scheduler.get("lab").run?.nodes;
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}

Deno.test("a schedule orders its group's nodes at its time, once, as its own deed, and ends when they are done", () => {
  using site = new Site({ nodes: 2 });
  const added = site.add();
  assert.deepEqual(added.upcoming, [
    "2026-06-02T03:00:00.000Z",
    "2026-06-03T03:00:00.000Z",
    "2026-06-04T03:00:00.000Z",
  ]);
  assert.equal(added.by, "anna (token ci)");
  site.at("2026-06-02T02:59:59Z");
  assert.deepEqual(site.work.ordered, []);
  // a node that came meanwhile belongs to the group, too
  site.nodes.put("n9", { group: "lab" });
  site.at("2026-06-02T03:00:00Z");
  site.at("2026-06-02T03:00:01Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2", "n9"]);
  assert.deepEqual(site.acts.map(({ who, action, nodes, subject }) => [who, action, nodes, subject]), [
    ["schedule lab", "node.restore", ["n1", "n2", "n9"], "made by anna (token ci)"],
  ]);
  site.end("done", "n1", "n2");
  assert.deepEqual(site.ends, []);
  site.end("done", "n9");
  assert.deepEqual(site.ends, [["done", undefined]]);
  const { last, next } = site.scheduler.get("lab");
  assert.deepEqual([last?.outcome, last?.nodes.done, next], ["done", 3, "2026-06-03T03:00:00.000Z"]);
});

Deno.test("a changed schedule has the terms, the times and the maker of the change; a run goes on with its order", () => {
  using site = new Site({ nodes: 2 });
  site.add({ batch: 1 });
  site.at("2026-06-02T03:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1"]);
  const before = site.changes;
  const { name: _, ...terms } = ScheduleAdd.parse({
    ...LAB,
    nodes: ["n2"],
    cron: "0 5 * * *",
    zone: "Europe/Vienna",
  });
  const changed = site.scheduler.change("lab", terms, { name: "bob", user: "bob", role: "operator" });
  assert.deepEqual([changed.by, changed.batch, changed.next, changed.run?.nodes.waiting], [
    "bob",
    undefined,
    "2026-06-03T03:00:00.000Z",
    1,
  ]);
  assert.ok(site.changes > before);
  // the run's next batch, under the limits that are set now
  site.end("done", "n1");
  site.end("done", "n2");
  assert.deepEqual([site.work.ordered, site.ends], [["n1", "n2"], [["done", undefined]]]);
  site.at("2026-06-03T03:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2", "n2"]);
  assert.throws(() => site.scheduler.change("lab", { ...terms, cron: "0 0 30 2 *" }, ANNA), { status: 400 });
  assert.throws(() => site.scheduler.change("lab", { ...terms, nodes: ["n7"] }, ANNA), { status: 404 });
  assert.throws(() => site.scheduler.change("none", terms, ANNA), { status: 404 });
  assert.equal(site.start().get("lab").cron, "0 5 * * *");
});

Deno.test("a preview has the next five times and when runs begin then, and adds nothing", () => {
  using site = new Site();
  const { name: _, ...terms } = ScheduleAdd.parse({
    ...LAB,
    windows: ["Sat 22:00-24:00", "Tue 00:00-24:00"],
  });
  const { upcoming, orders, zone } = site.scheduler.preview(terms);
  assert.deepEqual([upcoming.length, orders, zone], [5, [], "UTC"]);
  assert.deepEqual(upcoming.slice(0, 2), [
    { planned: "2026-06-02T03:00:00.000Z", begins: "2026-06-02T03:00:00.000Z" },
    { planned: "2026-06-03T03:00:00.000Z", begins: "2026-06-06T22:00:00.000Z" },
  ]);
  assert.throws(() => site.scheduler.preview({ ...terms, windows: ["night"] }), { status: 400 });
  assert.deepEqual(site.scheduler.list(), []);
});

Deno.test("batches begin one after the other, and the rest is not begun after too many failures", () => {
  using site = new Site();
  site.add({ batch: 2, stopAfter: 2 });
  site.at("2026-06-02T03:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2"]);
  site.end("done", "n1");
  assert.deepEqual(site.work.ordered.length, 2);
  site.end("failed", "n2");
  assert.deepEqual(site.work.ordered, ["n1", "n2", "n3", "n4"]);
  site.end("begun", "n4");
  site.end("failed", "n3");
  assert.deepEqual(site.counts, { waiting: 2, ordered: 0, begun: 1, done: 1, failed: 2, cancelled: 0 });
  site.end("done", "n4");
  assert.deepEqual(site.ends, [["stopped", "2 of 6 nodes failed, so that the remaining 2 were not begun"]]);
  const { last } = site.scheduler.get("lab");
  assert.deepEqual(last?.failures.map(({ node, problem }) => `${node}: ${problem}`), [
    "n2: its disk is too small",
    "n3: its disk is too small",
  ]);
  assert.deepEqual(site.work.ordered.length, 4);
});

Deno.test("a node whose order is refused counts as failed, and the others go on", () => {
  using site = new Site({ nodes: 3 });
  site.work.refuse("n2");
  site.add({ batch: 1 });
  site.at("2026-06-02T03:00:00Z");
  site.end("done", "n1");
  site.scheduler.tick();
  assert.deepEqual(site.work.ordered, ["n1", "n3"]);
  site.end("done", "n3");
  assert.deepEqual(site.ends, [["failed", "1 of 3 nodes failed"]]);
});

Deno.test("what has not begun at a window's end is taken back, and ordered in the next window", () => {
  using site = new Site({ nodes: 3 });
  site.add({ cron: "0 20 * * *", windows: ["22:00-05:00"] });
  site.at("2026-06-01T20:00:00Z");
  assert.deepEqual(site.work.ordered, []);
  assert.match(site.scheduler.get("lab").run?.reason ?? "", /which opens on Mon 2026-06-01 22:00 UTC/);
  site.at("2026-06-01T22:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2", "n3"]);
  site.end("done", "n1");
  site.end("begun", "n2");
  site.at("2026-06-02T05:00:00Z");
  assert.deepEqual(site.work.takenBack, ["n3"]);
  assert.deepEqual(site.counts, { waiting: 1, ordered: 0, begun: 1, done: 1, failed: 0, cancelled: 0 });
  site.end("done", "n2");
  // its next time is skipped: the run is still to be finished, and may not begin anything now
  site.at("2026-06-02T20:00:00Z");
  site.at("2026-06-02T22:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2", "n3", "n3"]);
  site.end("done", "n3");
  assert.deepEqual(site.ends, [["done", undefined]]);
});

Deno.test("a run survives a restart of the server", () => {
  using site = new Site({ nodes: 3 });
  site.add({ batch: 1 });
  site.at("2026-06-02T03:00:00Z");
  site.end("begun", "n1");
  site.start();
  assert.deepEqual(site.counts, { waiting: 2, ordered: 0, begun: 1, done: 0, failed: 0, cancelled: 0 });
  site.end("done", "n1");
  assert.deepEqual(site.work.ordered, ["n1", "n2"]);
});

Deno.test("what was ordered just before a crash is known after it, and is not ordered twice", () => {
  using site = new Site({ nodes: 2 });
  site.add();
  const { begin } = site.work;
  site.work.begin = (...given) => {
    begin.apply(site.work, given);
    throw new Error("the server was killed here");
  };
  site.at("2026-06-02T03:00:00Z");
  site.work.begin = begin;
  site.start();
  site.at("2026-06-02T03:00:01Z");
  assert.deepEqual(site.work.ordered, ["n1", "n2"]);
  assert.equal(site.counts?.ordered, 2);
  site.end("done", "n1", "n2");
  assert.deepEqual(site.ends, [["done", undefined]]);
});

Deno.test("a time that passed while the server was off is skipped and told of, or made up for once", () => {
  using site = new Site({ nodes: 1 });
  site.add();
  site.add({ name: "eager", catchUp: true });
  site.start();
  site.at("2026-06-04T12:00:00Z");
  assert.deepEqual(site.ends, [[
    "missed",
    "the server was off at this time, and at 2 earlier times; it is not made up for",
  ]]);
  const { last, next } = site.scheduler.get("lab");
  assert.deepEqual([last?.outcome, last?.planned, next], [
    "missed",
    "2026-06-04T03:00:00.000Z",
    "2026-06-05T03:00:00.000Z",
  ]);
  assert.deepEqual(site.work.ordered, ["n1"]);
  assert.equal(site.scheduler.get("eager").run?.cause, "catch-up");
  site.at("2026-06-04T12:00:01Z");
  assert.deepEqual(site.work.ordered, ["n1"]);
});

Deno.test("a run is refused once its maker may not order it any more, also between two batches", () => {
  using site = new Site({ nodes: 2 });
  site.add({ batch: 1 });
  site.at("2026-06-02T03:00:00Z");
  site.refusal = new RackseedError("anna may not do this", {
    reason: "anna is a viewer.",
    remedy: "",
    status: 403,
  });
  site.end("done", "n1");
  assert.deepEqual(site.work.ordered, ["n1"]);
  assert.deepEqual(site.ends, [["refused", "anna may not do this: anna is a viewer."]]);
  site.at("2026-06-03T03:00:00Z");
  assert.equal(site.ends.length, 2);
  assert.deepEqual(site.work.ordered, ["n1"]);
});

Deno.test("a group that has become empty, and nodes that are gone, are told of", () => {
  using site = new Site({ nodes: 2 });
  site.add();
  site.add({ name: "named", nodes: ["n1", "n2"] });
  site.nodes.delete(site.nodes.get("n1").id);
  site.nodes.put("n2", { group: "other" });
  site.at("2026-06-02T03:00:00Z");
  assert.deepEqual(site.ends, [["refused", "the group lab has no nodes. See `rackseed node list`."]]);
  site.end("done", "n2");
  assert.deepEqual(site.ends[1], ["failed", "1 of 2 nodes failed"]);
  assert.equal(site.scheduler.get("named").last?.failures[0]?.problem, "there is no node of this name");
});

Deno.test("a machine that is off fails in the end, and does not keep the next time from its run", () => {
  using site = new Site({ nodes: 3 });
  site.add({ nodes: ["n1", "n2"], bootSeconds: 1800 });
  site.add({ name: "daily", nodes: ["n3"], bootSeconds: 7 * 86_400 });
  site.at("2026-06-02T03:00:00Z");
  site.at("2026-06-02T03:29:59Z");
  assert.equal(site.counts?.ordered, 2);
  site.at("2026-06-02T03:30:00Z");
  const { last } = site.scheduler.get("lab");
  assert.match(last?.failures[0]?.problem ?? "", /has not booted from the network within 30 min/);
  assert.deepEqual(site.ends, [["failed", "2 of 2 nodes failed"]]);
  // "daily" gives its machine until its next time
  site.at("2026-06-03T02:59:59Z");
  assert.equal(site.scheduler.get("daily").run?.nodes.ordered, 1);
  site.at("2026-06-03T03:00:00Z");
  assert.match(site.scheduler.get("daily").last?.reason ?? "", /when the schedule's next time came/);
  assert.equal(site.scheduler.get("daily").run?.planned, "2026-06-03T03:00:00.000Z");
  assert.deepEqual(site.work.ordered.filter((name) => name === "n3").length, 2);
});

Deno.test("a time that comes as the window opens does not replace the run that waited for it", () => {
  using site = new Site({ nodes: 2 });
  // 2026-06-06 is a Saturday
  site.add({ cron: "0 20 * * *", windows: ["Sat 20:00-23:00"] });
  for (const day of [3, 4, 5]) site.at(`2026-06-0${day}T20:00:00Z`);
  assert.deepEqual([site.work.ordered, site.ends], [[], []]);
  site.at("2026-06-06T20:00:00Z");
  assert.deepEqual([site.work.ordered, site.work.takenBack, site.ends], [["n1", "n2"], [], []]);
});

Deno.test("a time that comes while nodes are being installed is skipped", () => {
  using site = new Site({ nodes: 1 });
  site.add();
  site.at("2026-06-02T03:00:00Z");
  site.end("begun", "n1");
  site.at("2026-06-03T03:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1"]);
  site.end("done", "n1");
  assert.equal(site.scheduler.get("lab").next, "2026-06-04T03:00:00.000Z");
});

Deno.test("a paused schedule begins nothing, takes back what has not begun, and goes on when it is resumed", () => {
  using site = new Site({ nodes: 2 });
  site.add({ batch: 1 });
  site.at("2026-06-02T03:00:00Z");
  const paused = site.scheduler.pause("lab");
  assert.deepEqual([paused.paused, paused.next, site.work.takenBack], [true, undefined, ["n1"]]);
  site.at("2026-06-03T03:00:00Z");
  assert.deepEqual(site.work.ordered, ["n1"]);
  site.scheduler.resume("lab");
  assert.deepEqual(site.work.ordered, ["n1", "n1"]);
  site.end("done", "n1");
  site.end("done", "n2");
  assert.deepEqual(site.ends, [["done", undefined]]);
  assert.equal(site.scheduler.get("lab").next, "2026-06-04T03:00:00.000Z");
});

Deno.test("a run by hand begins at once; a second one, and one of a paused schedule, is refused", () => {
  using site = new Site({ nodes: 1 });
  site.add();
  assert.equal(site.scheduler.run("lab").run?.cause, "by hand");
  assert.deepEqual(site.work.ordered, ["n1"]);
  assert.throws(() => site.scheduler.run("lab"), { status: 409, reason: /has not ended/ });
  site.end("done", "n1");
  site.scheduler.pause("lab");
  assert.throws(() => site.scheduler.run("lab"), { status: 409, remedy: /schedule resume lab/ });
});

Deno.test("a schedule that is removed disarms what has not begun, and is forgotten", () => {
  using site = new Site({ nodes: 2 });
  site.add();
  site.at("2026-06-02T03:00:00Z");
  site.end("begun", "n1");
  site.scheduler.remove("lab");
  assert.deepEqual(site.work.takenBack, ["n2"]);
  assert.throws(() => site.scheduler.get("lab"), { status: 404 });
  assert.deepEqual(site.start().list(), []);
});

const bad: readonly (readonly [change: object, status: number, says: RegExp])[] = [
  [{ cron: "0 3 * *" }, 400, /does not have five fields/],
  [{ cron: "0 3 31 2 *" }, 400, /never comes/],
  [{ zone: "Europe/Nowhere" }, 400, /IANA/],
  [{ windows: ["22:00-22:00"] }, 400, /never open/],
  [{ nodes: ["@nobody"] }, 400, /the group nobody has no nodes/],
  [{ nodes: ["n[1-"] }, 400, /a range has the form/],
  [{ nodes: ["n1", "n7", "n8"] }, 404, /no node has this name/],
];

for (const [change, status, says] of bad) {
  Deno.test(`a schedule with ${JSON.stringify(change)} is refused with a remedy`, () => {
    using site = new Site();
    assert.throws(() => site.add(change), (error) => {
      assert.ok(error instanceof RackseedError);
      assert.equal(error.status, status);
      assert.match(error.reason, says);
      return error.remedy.length > 5;
    });
    assert.deepEqual(site.scheduler.list(), []);
  });
}

Deno.test("a name is taken once", () => {
  using site = new Site();
  site.add();
  assert.throws(() => site.add(), { status: 409, remedy: /schedule remove lab/ });
});

Deno.test("what goes wrong with one schedule keeps no other from its time, and is tried again a minute later", () => {
  using site = new Site({ nodes: 1 });
  site.add();
  site.add({ name: "zoo" });
  const { begin } = site.work;
  let calls = 0;
  site.work.begin = (...given) => {
    if (calls++ === 0) throw new Error("the disk is full");
    return begin.apply(site.work, given);
  };
  site.at("2026-06-02T03:00:00Z");
  assert.deepEqual([site.work.ordered, site.troubles], [["n1"], ["the disk is full"]]);
  site.at("2026-06-02T03:00:59Z");
  assert.equal(calls, 2);
  site.at("2026-06-02T03:01:00Z");
  assert.deepEqual([site.work.ordered, site.troubles], [["n1", "n1"], ["the disk is full", undefined]]);
});
