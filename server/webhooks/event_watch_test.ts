import assert from "node:assert/strict";
import type { CaptureView, DeploymentView, NodeView } from "#contract/api.ts";
import { EventWatch, type News } from "./event_watch.ts";

type Part = DeploymentView["nodes"][number];

function watchOf(parts: Part[] = [], expected: string[] = []) {
  const news: News[] = [];
  const watch = new EventWatch({
    emit: (one) => news.push(one),
    deploymentOf: () => parts.length === 0 ? undefined : "d",
    isOver: () =>
      !parts.some(({ node, state }) =>
        state === "armed" || state === "installing" || (state === "installed" && expected.includes(node))
      ),
    resultOf: () => {
      const failed = parts.filter(({ state }) => state === "failed").map(({ node }) => node);
      return { image: "web@1", nodes: parts.length, failed };
    },
  });
  const show = (name: string, state: NodeView["state"], more: Partial<NodeView> = {}) => {
    const part = parts.find(({ node }) => node === name);
    if (part) part.state = state;
    watch.observe({ type: "node", node: { id: name, name, settings: {}, armed: false, state, ...more } });
  };
  return { watch, news, show, events: () => news.map(({ event }) => event) };
}

const part = (node: string, state: Part["state"] = "armed"): Part => ({ node, state });

Deno.test("a deployment is done once its last node runs, and that is said once", () => {
  const expected = ["n1", "n2"];
  const test = watchOf([part("n1"), part("n2")], expected);
  for (const name of ["n1", "n2"]) {
    for (const state of ["armed", "installing", "installed"] as const) test.show(name, state);
  }
  assert.deepEqual(test.events(), []);
  expected.shift();
  test.show("n1", "running");
  assert.deepEqual(test.events(), []);
  expected.shift();
  test.show("n2", "running");
  test.show("n2", "running");
  assert.deepEqual(test.news, [
    { event: "deployment.done", data: { deployment: "d", image: "web@1", nodes: 2, failed: [] } },
  ]);
});

Deno.test("a node that its deployment could not start is named at once, and once", () => {
  const problem = { title: "cannot start n1", status: 504, detail: "the BMC is dead", remedy: "look" };
  const settings = { method: "ipmi", host: "10.0.0.5", user: "admin" } as const;
  const at = "2026-01-01T00:00:00.000Z";
  const test = watchOf([part("n1")]);
  test.show("n1", "armed");
  for (let i = 0; i < 2; i++) {
    test.show("n1", "armed", {
      power: { settings, hasSecret: true, start: { state: "failed", at, problem } },
    });
  }
  assert.deepEqual(test.news, [{ event: "node.failed", data: { node: "n1", image: undefined, problem } }]);
});

Deno.test("a node that fails is named at once with its problem, the deployment at its end", () => {
  const problem = { title: "cannot format", status: 500, detail: "no disk", remedy: "look" };
  const test = watchOf([part("n1"), part("n2")]);
  for (const name of ["n1", "n2"]) test.show(name, "installing");
  test.show("n1", "failed", { report: { step: "format", state: "failed", elapsedMs: 1, problem } });
  assert.deepEqual(test.news, [
    { event: "node.failed", data: { node: "n1", image: undefined, step: "format", problem } },
  ]);
  test.show("n2", "installed");
  assert.deepEqual(test.news[1]?.data, { deployment: "d", image: "web@1", nodes: 2, failed: ["n1"] });
  assert.equal(test.news[1]?.event, "deployment.failed");
});

Deno.test("a clone that does not report its first boot in time has failed, and ends its deployment", () => {
  const expected = ["n1"];
  const test = watchOf([part("n1")], expected);
  const due = "2026-11-29T10:00:00Z";
  test.show("n1", "installing");
  test.show("n1", "installed", { firstBoot: { due } });
  expected.length = 0;
  const problem = { title: "n1 has not reported", status: 504, detail: "late", remedy: "look" };
  for (let i = 0; i < 2; i++) test.show("n1", "installed", { firstBoot: { due, problem } });
  assert.deepEqual(test.events(), ["node.failed", "deployment.done"]);
  assert.deepEqual(test.news[0]?.data.problem, problem);
});

Deno.test("a node that stays silent is named once, and again after it has spoken", () => {
  const test = watchOf();
  const silent = { silentSince: "2026-11-29T10:00:00Z" };
  for (const more of [{}, silent, silent, {}, silent]) test.show("n1", "installing", more);
  assert.deepEqual(test.events(), ["node.silent", "node.silent"]);
});

Deno.test("a capture is reported when it ends, unless it was cancelled; what ended before the start is not", () => {
  const test = watchOf();
  const capture: CaptureView = { id: "a", image: "web", state: "receiving", started: "", notes: [] };
  test.watch.begin({ nodes: [], captures: [capture, { ...capture, id: "old", state: "failed" }] });
  const show = (id: string, state: CaptureView["state"]) =>
    test.watch.observe({ type: "capture", capture: { ...capture, id, state } });
  show("old", "failed");
  show("a", "published");
  show("a", "published");
  for (const state of ["waiting", "failed"] as const) show("b", state);
  for (const state of ["waiting", "cancelled"] as const) show("c", state);
  assert.deepEqual(test.events(), ["capture.done", "capture.failed"]);
});

Deno.test("what is known at the start is no news", () => {
  const test = watchOf([part("n1", "failed")]);
  const node: NodeView = {
    id: "1",
    name: "n1",
    settings: {},
    armed: false,
    state: "failed",
    silentSince: "x",
  };
  test.watch.begin({ nodes: [node], captures: [] });
  test.watch.observe({ type: "node", node });
  assert.deepEqual(test.events(), []);
});

Deno.test("a check that finds more than the threshold is news once, and so is the next such check", () => {
  const test = watchOf();
  const result = (at: string, foreign: number) => ({
    at,
    image: "web@1",
    changed: 1,
    missing: 0,
    foreign,
    threshold: 2,
    drifted: 1 + foreign > 2,
  });
  const check = { id: "c", state: "done" as const, ordered: "2026-11-29T10:00:00Z" };
  test.show("n1", "running");
  test.show("n1", "running", { check: { ...check, result: result("2026-11-29T10:01:00Z", 1) } });
  assert.deepEqual(test.events(), []);
  const drifted = { check: { ...check, result: result("2026-11-29T11:00:00Z", 4) } };
  for (let i = 0; i < 3; i++) test.show("n1", "running", drifted);
  test.show("n1", "running", { check: { ...drifted.check, state: "running" } });
  assert.deepEqual(test.news, [{
    event: "node.drifted",
    data: {
      node: "n1",
      at: "2026-11-29T11:00:00Z",
      image: "web@1",
      changed: 1,
      missing: 0,
      foreign: 4,
      threshold: 2,
    },
  }]);
  test.show("n1", "running", { check: { ...check, result: result("2026-11-30T11:00:00Z", 4) } });
  assert.deepEqual(test.events(), ["node.drifted", "node.drifted"]);
});
