import assert from "node:assert/strict";
import type { StepReport } from "#contract/api.ts";
import { DEFAULT_SEED, type SeedPolicy } from "#contract/api/distribution.ts";
import { Batches, type StepTime } from "./batches.ts";

const part = (node: string, deployment = "d1") => ({ deployment, node, image: "web", version: 1 });
const step = (name: StepReport["step"], over: Partial<StepReport> = {}): StepReport => ({
  step: name,
  state: "running",
  elapsedMs: 0,
  ...over,
});
const TIMES = {
  workers: 1,
  starvedMs: 9000,
  busyMs: 1000,
  blockedMs: 0,
  mainMs: 0,
  fetchedBytes: 1e8,
  fetchMs: 10_000,
};
const half = { progress: { bytesDone: 5e7, bytesTotal: 1e8, peers: 1, bytesPerSecond: 1e7 } };

function open(
  { seed, past = [], installing = [] }: { seed?: SeedPolicy; past?: StepTime[]; installing?: string[] } = {},
) {
  const time = { ms: 1_000_000 };
  const batches = new Batches({
    store: {
      seedOf: () => seed,
      stepTimes: (d) => past.filter((p) => p.deployment === d),
      installing: () => installing,
    },
    policy: () => DEFAULT_SEED,
    nameOf: (node) => node.toUpperCase(),
    now: () => time.ms,
  });
  return { batches, time };
}

Deno.test("a node keeps seeding while another one fetches the same version and reports", () => {
  const { batches, time } = open();
  batches.note(part("a"), step("seed"));
  assert.equal(batches.seeding(part("a"))?.on, false, "no other node has reported");
  time.ms += 1000;
  batches.note(part("b", "d2"), step("install", { elapsedMs: 900, ...half }));
  assert.deepEqual(batches.seeding(part("a")), { on: true, for: ["B"], reason: "keeps seeding for B" });
  time.ms += 21_000;
  batches.note(part("a"), step("seed", { elapsedMs: 22_000 }));
  assert.equal(batches.seeding(part("a"))?.on, false, "b fell silent");
  batches.note(part("b", "d2"), step("install", { elapsedMs: 22_000, ...half }));
  time.ms += 1000;
  assert.equal(batches.seeding(part("a"))?.on, true, "b is there again");
  batches.note(part("b", "d2"), step("install", { progress: { ...half.progress, bytesDone: 1e8 } }));
  time.ms += 1000;
  assert.equal(batches.seeding(part("a"))?.on, false, "b has all, and only writes");
});

Deno.test("nodes of another version keep no node seeding", () => {
  const { batches } = open();
  batches.note(part("a"), step("seed"));
  batches.note({ ...part("b"), version: 2 }, step("install"));
  assert.equal(batches.seeding(part("a"))?.on, false);
});

Deno.test("only seeding nodes get a decision, and a batch's own policy wins", () => {
  const { batches } = open({ seed: { mode: "none" } });
  batches.note(part("b"), step("install"));
  batches.note(part("a"), step("verify"));
  assert.equal(batches.seeding(part("a")), undefined);
  batches.note(part("a"), step("seed"));
  assert.equal(batches.seeding(part("a"))?.on, false);
});

Deno.test("the slowest of a batch is known while it installs, by the time it is expected to take", () => {
  const { batches } = open();
  batches.note(part("a"), step("install", { state: "done", elapsedMs: 10_000, times: TIMES }));
  assert.equal(batches.slowest("d1"), undefined, "one node alone is not slow");
  batches.note(
    part("b"),
    step("install", { elapsedMs: 8000, ...half, times: { ...TIMES, blockedMs: 50_000 } }),
  );
  const slowest = batches.slowest("d1");
  assert.deepEqual([slowest?.node, slowest?.limit, slowest?.seconds], ["B", "disk", 16]);
  assert.equal(batches.limit(part("a")), "link");
  batches.note(part("b"), step("install", { state: "done", elapsedMs: 5000 }));
  assert.equal(batches.slowest("d1")?.node, "A");
});

Deno.test("the durations of steps survive a restart, and count for their own deployment only", () => {
  const past = [
    { ...part("a"), step: "install" as const, elapsedMs: 10_000, times: TIMES },
    { ...part("b"), step: "install" as const, elapsedMs: 90_000 },
  ];
  const { batches } = open({ past });
  assert.equal(batches.limit(part("a")), "link");
  assert.equal(batches.slowest("d1")?.node, "B");
  batches.note(part("a", "d2"), step("install"));
  assert.equal(batches.limit(part("a", "d2")), undefined);
});

Deno.test("after a restart no node stops seeding before the fetching ones have had time to report", () => {
  const { batches, time } = open({ installing: ["a", "b"] });
  batches.note(part("a"), step("seed", { elapsedMs: 200_000 }));
  assert.deepEqual(batches.seeding(part("a"))?.for, ["B"]);
  time.ms += 20_000;
  batches.note(part("a"), step("seed", { elapsedMs: 220_000 }));
  assert.equal(batches.seeding(part("a"))?.on, false, "b never came back");
});

Deno.test("a failed node keeps no node seeding", () => {
  const { batches } = open();
  batches.note(part("b"), step("install", half));
  batches.note(part("a"), step("seed"));
  assert.equal(batches.seeding(part("a"))?.on, true);
  batches.note(part("b"), step("torrent", { state: "failed" }));
  assert.equal(batches.seeding(part("a"))?.on, false);
});

Deno.test("a node that leaves its batch is forgotten", () => {
  const { batches } = open();
  batches.note(part("a"), step("seed"));
  batches.forget("a");
  assert.equal(batches.seeding(part("a")), undefined);
});

Deno.test("among many nodes answers may be a little old, unless a fresh one is requested", () => {
  const { batches, time } = open();
  for (let i = 0; i < 120; i++) batches.note(part(`n${i}`), step("install", { elapsedMs: i * 100, ...half }));
  batches.note(part("a"), step("seed"));
  assert.equal(batches.seeding(part("a"))?.on, true);
  const slowest = () => batches.slowest("d1")?.node;
  assert.equal(slowest(), "N119");
  for (let i = 0; i < 120; i++) {
    batches.note(part(`n${i}`), step("verify", { elapsedMs: i === 5 ? 90_000 : 0 }));
  }
  batches.note(part("b"), step("seed"));
  assert.deepEqual([batches.seeding(part("a"))?.on, batches.seeding(part("b"))?.on, slowest()], [
    true,
    true,
    "N119",
  ]);
  assert.equal(batches.slowest("d1", { fresh: true })?.node, "N5");
  time.ms += 500;
  assert.deepEqual([batches.seeding(part("a"))?.on, batches.seeding(part("b"))?.on], [false, false]);
});

Deno.test("the more nodes report, the longer each one pauses, but never so long that it seems silent", () => {
  const { batches, time } = open();
  const hear = (count: number) => {
    for (let i = 0; i < count; i++) batches.note(part(`n${i}`), step("install"));
  };
  for (
    const [count, pauseMs] of [[1, undefined], [200, undefined], [500, 2500], [1000, 5000], [
      12_000,
      10_000,
    ]] as const
  ) {
    hear(count);
    time.ms += 1000;
    assert.equal(batches.reportPauseMs, pauseMs, `${count} nodes`);
  }
  time.ms += 30_000;
  hear(5);
  assert.equal(batches.reportPauseMs, undefined, "the others are silent");
});
