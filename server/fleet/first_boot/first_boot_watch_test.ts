import assert from "node:assert/strict";
import type { FirstBootReport } from "#contract/api/first_boot.ts";
import { FirstBoots } from "../../store/first_boots.ts";
import { FirstBootWatch } from "./first_boot_watch.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const part = { node: "id1", deployment: "d1" };
const name = { name: "n1" };
const names = { name: () => "n1" };

function open({ db = emptyDatabase(), time = { ms: 1_000_000 } } = {}) {
  return { db, time, watch: new FirstBootWatch(new FirstBoots(db), { now: () => time.ms }) };
}

function awaited() {
  const all = open();
  all.watch.order(["id1"], { deployment: "d1", timeoutSeconds: 600 });
  const token = all.watch.issue(part)?.token ?? "";
  all.watch.begin(part, { reportsAs: "n1.example.org" });
  return { ...all, token };
}

const report = (token: string, more: Partial<FirstBootReport> = {}): FirstBootReport => ({
  token,
  hostname: "n1",
  uptimeSeconds: 14.2,
  failedUnits: [],
  hooks: [],
  ...more,
});

Deno.test("a clone that reports in time is up; a second report changes nothing", () => {
  const { watch, time, token } = awaited();
  assert.equal(watch.view(part, name)?.due, new Date(1_600_000).toISOString());
  time.ms += 30_000;
  const taken = watch.interpret(report(token, { kernel: "6.1", failedUnits: ["a.service"] }), names);
  assert.deepEqual([taken?.node, taken?.deployment, taken?.isNews], ["id1", "d1", true]);
  assert.deepEqual(taken?.step, {
    step: "first-boot",
    state: "done",
    elapsedMs: 14_200,
    message: "up as n1; kernel 6.1; failed units: a.service",
  });
  taken?.markReported();
  assert.equal(watch.interpret(report(token), names)?.isNews, false);
  time.ms += 3_600_000;
  assert.deepEqual(watch.view(part, name), {
    due: new Date(1_600_000).toISOString(),
    reported: new Date(1_030_000).toISOString(),
    hostname: "n1",
  });
  assert.deepEqual(watch.becameLate(), []);
});

Deno.test("a clone that does not report in time is flagged, across restarts, until it does", () => {
  const { watch, db, time, token } = awaited();
  time.ms = 1_599_999;
  assert.deepEqual(watch.becameLate(), []);
  assert.equal(watch.view(part, name)?.problem, undefined);
  time.ms = 1_600_000;
  assert.deepEqual(watch.becameLate(), ["id1"]);
  assert.deepEqual(watch.becameLate(), [], "it is returned once");
  assert.match(
    watch.view(part, name)?.problem?.title ?? "",
    /^n1 was installed, but .* has not reported since$/,
  );
  assert.match(watch.view(part, name)?.problem?.remedy ?? "", /boot order/);
  const again = open({ db, time }).watch;
  assert(again.view(part, name)?.problem);
  again.interpret(report(token), names)?.markReported();
  assert.equal(again.view(part, name)?.problem, undefined);
});

Deno.test("a name other than the assigned one is flagged, its short form is not", () => {
  const cases = [["n1", false], ["N1.example.org", false], ["n2", true], ["localhost", true]] as const;
  for (const [hostname, isWrong] of cases) {
    const { watch, token } = awaited();
    const taken = watch.interpret(report(token, { hostname }), names);
    assert.equal(taken?.step.state, "done");
    assert.equal(taken?.step.problem !== undefined, isWrong, hostname);
    taken?.markReported();
    assert.equal(watch.view(part, name)?.problem !== undefined, isWrong, hostname);
  }
});

Deno.test("a failed required hook fails the deployment, an optional one is only reported; their output is the log", () => {
  const hook = { name: "grow", code: 3, output: ["no room"] };
  for (const optional of [true, false]) {
    const { watch, token } = awaited();
    const step = watch.interpret(report(token, { hooks: [{ ...hook, optional }] }), names)?.step;
    assert.equal(step?.state, optional ? "done" : "failed");
    assert.deepEqual(step?.log, ["first-boot hook grow:", "no room"]);
    assert.match(step?.message ?? "", /hook grow: exited 3/);
    if (!optional) assert.match(step?.problem?.detail ?? "", /exited 3: no room/);
  }
});

Deno.test("a token becomes invalid when the node enrols again, is armed again, or is deleted", () => {
  const { watch, token } = awaited();
  const second = watch.issue(part)?.token ?? "";
  assert.equal(watch.interpret(report(token), names), undefined);
  assert(watch.interpret(report(second), names));
  watch.order(["id1"], { deployment: "d2", timeoutSeconds: 600 });
  assert.equal(watch.interpret(report(second), names), undefined);
  assert.equal(watch.issue(part), undefined, "the old deployment is over");
  const third = watch.issue({ ...part, deployment: "d2" })?.token ?? "";
  watch.forget("id1");
  assert.equal(watch.interpret(report(third), names), undefined);
});

Deno.test("if no report is expected, nothing is shown and no clone is late", () => {
  const { watch, time } = open();
  watch.order(["id1"], { deployment: "d1", timeoutSeconds: 600 });
  watch.issue(part);
  time.ms += 1e9;
  assert.equal(watch.view(part, name), undefined);
  assert.deepEqual(watch.becameLate(), []);
});
