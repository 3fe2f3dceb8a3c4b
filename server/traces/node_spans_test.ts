import assert from "node:assert/strict";
import type { NodeView, StepReport } from "#contract/api.ts";
import { NodeSpans } from "./node_spans.ts";
import type { WorkSpan } from "./work_span.ts";

const ORDERED = { deployment: "d1", orderedMs: 1000 };
const PROBLEM = { title: "cannot boot", status: 500, detail: "no.", remedy: "try again." };

function open() {
  const sent: WorkSpan[] = [];
  const state = {
    order: ORDERED as typeof ORDERED | undefined,
    asked: 0,
    isOver: true,
    nodes: 2,
    nowMs: 61_000,
  };
  const spans = new NodeSpans({
    emit: (span) => void sent.push(span),
    orderOf: () => (state.asked++, state.order),
    isOver: () => state.isOver,
    resultOf: () => ({ image: "web@1", nodes: state.nodes, failed: [] }),
    now: () => state.nowMs,
  });
  const show = (change: Partial<NodeView>) => spans.observe({ type: "node", node: view(change) });
  const names = () => sent.splice(0).map(({ path, name }) => `${path.join(" ")}: ${name}`);
  return { spans, state, sent, show, names };
}

function view(change: Partial<NodeView>): NodeView {
  const settings = {} as NodeView["settings"];
  return { id: "n", name: "n1", settings, state: "idle", armed: false, image: "web@1", ...change };
}

const report = (step: StepReport["step"], state: StepReport["state"]): { report: StepReport } => ({
  report: { step, state, elapsedMs: 5000 },
});

Deno.test("a step is sent once, when it ends; reports of progress ask nothing", () => {
  const { show, sent, state, names } = open();
  show({ state: "armed" });
  show({ state: "installing" });
  show({ state: "installing", ...report("install", "running") });
  const { asked } = state;
  for (let i = 0; i < 9; i++) show({ state: "installing", ...report("install", "running") });
  assert.deepEqual([sent, state.asked], [[], asked]);
  for (let i = 0; i < 2; i++) show({ state: "installing", ...report("install", "done") });
  assert.deepEqual([sent[0]?.startMs, sent[0]?.endMs], [56_000, 61_000]);
  assert.deepEqual(names(), ["d1 n1 install 56000: install"]);
});

Deno.test("a node is sent from its order to its first boot, and the whole once nothing is left of it", () => {
  const { show, sent, state, names } = open();
  const firstBoot = { due: new Date(0).toISOString() };
  show({ state: "installing" });
  show({ state: "installed", firstBoot });
  assert.equal(sent.length, 0);
  state.isOver = false;
  show({ state: "running", firstBoot: { ...firstBoot, reported: firstBoot.due } });
  assert.deepEqual([sent[0]?.startMs, sent[0]?.problem], [1000, undefined]);
  assert.deepEqual(names(), ["d1 n1: deploy"]);

  state.isOver = true;
  state.order = { ...ORDERED, deployment: "d2" };
  show({ state: "armed", restore: {} as NonNullable<NodeView["restore"]> });
  show({ state: "installed", firstBoot: { ...firstBoot, problem: PROBLEM }, restore: {} as never });
  assert.deepEqual(sent.map(({ problem }) => problem), ["cannot boot", undefined]);
  assert.deepEqual(names(), ["d2 n1: restore", "d2: deployment"]);
});

Deno.test("what was over at the start is not sent again", () => {
  const { spans, show, names } = open();
  spans.begin([view({ state: "running", ...report("finish", "done") })]);
  show({ state: "running", ...report("finish", "done") });
  spans.observe({ type: "node-removed", name: "n1" });
  show({ state: "running", ...report("finish", "done") });
  assert.deepEqual(names(), []);
});

Deno.test("an order that was cancelled before it began is not sent, but its deployment may have ended by that", () => {
  const { spans, show, state, names } = open();
  spans.begin([view({ state: "running", ...report("finish", "done") })]);
  for (const nodes of [0, 1]) {
    state.order = { ...ORDERED, deployment: "d2" };
    show({ state: "armed" });
    state.order = ORDERED;
    state.nodes = nodes;
    show({ state: "running", ...report("finish", "done") });
    assert.deepEqual(names(), nodes === 0 ? [] : ["d2: deployment"]);
  }
});

Deno.test("an order that takes the place of another is sent under its own deployment", () => {
  const { show, state, names } = open();
  show({ state: "armed" });
  state.isOver = false;
  state.order = { ...ORDERED, deployment: "d2" };
  show({ state: "armed" });
  show({ state: "installing" });
  state.isOver = true;
  show({ state: "failed", ...report("format", "failed") });
  assert.deepEqual(names(), ["d2 n1 format 56000: format", "d2 n1: deploy", "d2: deployment"]);
});

Deno.test("an order that was under way at the start is sent when it ends", () => {
  const { spans, show, names } = open();
  spans.begin([view({ state: "installing", ...report("install", "running") })]);
  show({ state: "aborted", ...report("install", "running") });
  assert.deepEqual(names(), ["d1 n1: deploy", "d1: deployment"]);
});
