import assert from "node:assert/strict";
import type { CaptureView, NodeView, StepReport } from "#contract/api.ts";
import { Metrics } from "./metrics.ts";

type Node = Partial<NodeView> & { readonly state: NodeView["state"] };

function node(fields: Node): NodeView {
  return { id: "1", name: "n1", settings: {}, armed: false, ...fields };
}

function step(name: StepReport["step"], fields: Partial<StepReport> = {}): StepReport {
  return { step: name, state: "done", elapsedMs: 4000, ...fields };
}

/** The value of a series; undefined if there is none. */
async function value(metrics: Metrics, series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("an installation is counted once, by kind and outcome, and its steps by duration", async () => {
  const metrics = new Metrics();
  const show = (fields: Node) => metrics.observe({ type: "node", node: node(fields) });
  show({ state: "armed" });
  show({ state: "installing", report: step("plan", { state: "running" }) });
  show({ state: "installing", report: step("plan") });
  show({ state: "installing", report: step("plan") });
  assert.equal(await value(metrics, 'rackseed_step_duration_seconds_count{step="plan",outcome="done"}'), 1);
  assert.equal(
    await value(metrics, 'rackseed_step_duration_seconds_bucket{le="5",step="plan",outcome="done"}'),
    1,
  );
  show({ state: "failed", report: step("format", { state: "failed" }) });
  show({ state: "failed", report: step("format", { state: "failed" }) });
  assert.equal(await value(metrics, 'rackseed_installations_total{kind="deploy",outcome="failed"}'), 1);
  assert.equal(
    await value(metrics, 'rackseed_step_duration_seconds_count{step="format",outcome="failed"}'),
    1,
  );
  assert.equal(await value(metrics, 'rackseed_nodes{state="failed"}'), 1);
  metrics.observe({ type: "node-removed", name: "n1" });
  assert.equal(await value(metrics, 'rackseed_nodes{state="failed"}'), 0);
});

Deno.test("a backup that ends leaves the node running, and counts as done; a first boot counts apart", async () => {
  const metrics = new Metrics();
  const show = (fields: Node) => metrics.observe({ type: "node", node: node(fields) });
  show({ state: "installing", backup: { level: 3, excludes: [] } });
  show({ state: "running", backup: { level: 3, excludes: [] } });
  assert.equal(await value(metrics, 'rackseed_installations_total{kind="backup",outcome="done"}'), 1);
  show({ state: "installing" });
  show({ state: "installed" });
  show({ state: "running" });
  assert.equal(await value(metrics, 'rackseed_installations_total{kind="deploy",outcome="done"}'), 1);
  assert.equal(await value(metrics, 'rackseed_first_boots_total{outcome="reported"}'), 1);
});

Deno.test("bytes delivered are split into those of the swarm and those over HTTP", async () => {
  const metrics = new Metrics();
  const times = { workers: 1, starvedMs: 0, busyMs: 0, blockedMs: 0, mainMs: 0, fetchMs: 1 };
  const progress = { bytesDone: 1, bytesTotal: 1, peers: 1, bytesPerSecond: 1, webSeedBytes: 300 };
  const report = step("install", { times: { ...times, fetchedBytes: 1000 }, progress });
  metrics.observe({ type: "node", node: node({ state: "installing", report }) });
  assert.equal(await value(metrics, 'rackseed_image_delivered_bytes_total{source="peers"}'), 700);
  assert.equal(await value(metrics, 'rackseed_image_delivered_bytes_total{source="http"}'), 300);
});

Deno.test("what was there at the start is shown, and not counted again", async () => {
  const metrics = new Metrics();
  const capture: CaptureView = { id: "c", image: "web", state: "receiving", started: "", notes: [] };
  const failed = node({ state: "failed", report: step("plan", { state: "failed" }), silentSince: "x" });
  metrics.begin({ nodes: [failed], captures: [capture, { ...capture, id: "d", state: "published" }] });
  metrics.observe({ type: "node", node: failed });
  assert.equal(await value(metrics, 'rackseed_installations_total{kind="deploy",outcome="failed"}'), 0);
  assert.equal(
    await value(metrics, 'rackseed_step_duration_seconds_count{step="plan",outcome="failed"}'),
    undefined,
  );
  assert.equal(await value(metrics, "rackseed_nodes_silent"), 1);
  assert.equal(await value(metrics, 'rackseed_captures_active{state="receiving"}'), 1);
  for (let i = 0; i < 2; i++) metrics.observe({ type: "capture", capture: { ...capture, state: "failed" } });
  assert.equal(await value(metrics, 'rackseed_captures_total{outcome="failed"}'), 1);
  assert.equal(await value(metrics, 'rackseed_captures_active{state="receiving"}'), 0);
});

Deno.test("a figure that cannot be read is left out, and the others are served", async () => {
  const metrics = new Metrics();
  let isBroken = false;
  metrics.ask({
    version: "1.2.3",
    startedMs: 5000,
    deployments: () => ({ done: 2 }),
    store: () => {
      if (isBroken) throw new Error("disk I/O error");
      return { versions: 1, packs: 2, packBytes: 3, databaseBytes: 4, sizeBytes: 5, freeBytes: 6 };
    },
    sentBytes: () => ({ seeder: 7 }),
    packStore: () => undefined,
    overdueBackups: () => 0,
    machines: () => 0,
    certificateEnds: () => ({ ca: 8000 }),
    queues: () => ({ frames: 9 }),
    connections: () => 10,
    notices: () => 0,
  });
  assert.equal(await value(metrics, "rackseed_data_free_bytes"), 6);
  assert.equal(await value(metrics, 'rackseed_image_sent_bytes_total{source="seeder"}'), 7);
  assert.equal(await value(metrics, 'rackseed_certificate_end_timestamp_seconds{certificate="ca"}'), 8);
  isBroken = true;
  assert.equal(await value(metrics, "rackseed_data_free_bytes"), undefined);
  assert.equal(await value(metrics, 'rackseed_build_info{version="1.2.3"}'), 1);
});

Deno.test("the number of logged events with a series of their own is bounded", async () => {
  const metrics = new Metrics();
  for (let i = 0; i < 1000; i++) metrics.log.count({ level: "error", source: "x", event: `e${i}` });
  assert.equal(
    await value(metrics, 'rackseed_log_events_total{level="error",source="other",event="other"}'),
    600,
  );
  assert.equal(await value(metrics, 'rackseed_log_events_total{level="error",source="x",event="e1"}'), 1);
});

Deno.test("a check is counted once, and a node counts as drifted until its image is another", async () => {
  const metrics = new Metrics();
  const show = (fields: Partial<NodeView>) =>
    metrics.observe({ type: "node", node: node({ state: "running", ...fields }) });
  const counts = { at: "2026-11-30T10:00:00Z", image: "web@1", changed: 3, missing: 0, foreign: 0 };
  const check = { id: "c1", ordered: "2026-11-30T10:00:00Z" };
  const result = { ...counts, threshold: 2, drifted: true };
  show({ image: "web@1" });
  show({ image: "web@1", check: { ...check, state: "running" } });
  for (let i = 0; i < 2; i++) show({ image: "web@1", check: { ...check, state: "done", result } });
  assert.equal(await value(metrics, 'rackseed_checks_total{outcome="drifted"}'), 1);
  assert.equal(await value(metrics, "rackseed_nodes_drifted"), 1);
  show({ image: "web@1", check: { ...check, id: "c2", state: "failed", result } });
  assert.equal(await value(metrics, 'rackseed_checks_total{outcome="failed"}'), 1);
  show({ image: "web@2", check: { ...check, state: "done", result } });
  assert.equal(await value(metrics, "rackseed_nodes_drifted"), 0);
});
