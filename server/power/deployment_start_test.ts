/** The starts of a deployment, with machines and a clock of this test; the store is real. */
import assert from "node:assert/strict";
import { Deployments } from "../store/deployments.ts";
import { Nodes } from "../store/nodes.ts";
import { DeploymentStart } from "./deployment_start.ts";
import { noAnswer } from "./power_error.ts";
import type { PowerDriver } from "./power_driver.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

type Behaviour = "works" | "dead" | "does nothing" | "does not boot" | "falls off" | "keeps the network";

function open(names: readonly string[], behaviours: Partial<Record<string, Behaviour>> = {}) {
  const db = emptyDatabase(), clock = { ms: 0 }, now = () => clock.ms;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const ids = names.map((name) => nodes.put(name, {}).id);
  const { deployment, secrets } = deployments.arm(ids, { image: "web", version: 1 });
  const log: string[] = [], shown = new Map<string, string[]>(), problems = new Map<string, string>();
  const notes = new Map<string, string>();
  const busy = { now: 0, most: 0 };
  const machine = (name: string, id: string, title: string): PowerDriver => {
    const behaviour = behaviours[name] ?? "works";
    let isOn = false;
    return {
      status: () => {
        if (behaviour === "dead") {
          return Promise.reject(noAnswer(title, { address: name, cause: new Error("refused") }));
        }
        const state = isOn ? "on" : "off";
        if (behaviour === "falls off") isOn = false;
        return Promise.resolve(state);
      },
      canCutPower: () => Promise.resolve(true),
      on: () => {
        log.push(`on ${name}`);
        busy.most = Math.max(busy.most, ++busy.now);
        isOn = behaviour !== "does nothing";
        if (behaviour === "works" || behaviour === "keeps the network") {
          deployments.enrol(secrets.get(id) ?? "");
        }
        return Promise.resolve();
      },
      off: () => Promise.resolve(void (isOn = false)),
      reset: () => Promise.reject(new Error("not expected")),
      bootOnce: (target) => Promise.resolve(void log.push(`boot ${name} ${target}`)),
      restoreBoot: () => {
        log.push(`restore ${name}`);
        return behaviour === "keeps the network" ? Promise.reject(new Error("busy")) : Promise.resolve();
      },
      [Symbol.asyncDispose]: () => Promise.resolve(void (busy.now = Math.max(0, busy.now - 1))),
    };
  };
  const closing = new AbortController();
  const start = (atOnce = 8) =>
    new DeploymentStart({
      nodes,
      deployments,
      open: (node, { title }) => machine(node.name, node.id, title),
      pause: (ms, signal) => {
        signal.throwIfAborted();
        clock.ms += ms;
        return Promise.resolve();
      },
      now,
      deployment,
      terms: { atOnce, pauseSeconds: 2, arriveSeconds: 600 },
      signal: closing.signal,
      show: ({ name }, start) => {
        shown.set(name, [...shown.get(name) ?? [], start?.state ?? "gone"]);
        if (start?.note) notes.set(name, start.note);
        if (start?.problem) problems.set(name, start.problem.detail);
      },
    }).run(ids.map((id) => nodes.get(id)));
  return { nodes, deployments, ids, log, shown, notes, problems, busy, clock, closing, start };
}

Deno.test("nodes are started from the network; when the agent has enrolled, the boot order is put back", async () => {
  const { log, shown, start } = open(["n1"]);
  await start();
  assert.deepEqual(shown.get("n1"), ["queued", "switching", "awaited", "arrived"]);
  assert.deepEqual(log, ["boot n1 network", "on n1", "restore n1"]);
});

Deno.test("a dead BMC, one that does nothing and a machine that does not boot are named; the rest start", async () => {
  const names = ["n1", "n2", "n3", "n4", "n5"];
  const { shown, problems, start } = open(names, { n1: "dead", n2: "does nothing", n4: "does not boot" });
  await start(2);
  assert.deepEqual(names.map((name) => shown.get(name)?.at(-1)), [
    "failed",
    "failed",
    "arrived",
    "failed",
    "arrived",
  ]);
  assert.match(problems.get("n1") ?? "", /does not answer: refused/);
  assert.match(problems.get("n2") ?? "", /accepted the order, but 60 s later the machine is still off/);
  assert.match(
    problems.get("n4") ?? "",
    /says that it is on, but its agent has not enrolled within 600 s.*not asked/,
  );
});

Deno.test("a machine that comes on and goes off again is told from one that runs (chaos/powerman#154)", async () => {
  const { problems, start } = open(["n1"], { n1: "falls off" });
  await start();
  assert.match(problems.get("n1") ?? "", /accepted the order, and says now that it is off/);
});

Deno.test("a boot order that cannot be put back is no failure, and is said", async () => {
  const { shown, notes, problems, start } = open(["n1"], { n1: "keeps the network" });
  await start();
  assert.equal(shown.get("n1")?.at(-1), "arrived");
  assert.equal(notes.get("n1"), "its boot order was not put back: busy");
  assert.equal(problems.size, 0);
});

Deno.test("a machine that asked for a network boot since is told from one that did not", async () => {
  const { nodes, ids, problems, clock, start } = open(["n1"], { n1: "does not boot" });
  clock.ms = 1000;
  const running = start();
  clock.ms += 1000;
  nodes.touch(ids[0] as string);
  await running;
  assert.match(problems.get("n1") ?? "", /It did ask for a network boot since/);
});

Deno.test("no more than N are switched at one time, with a pause in between", async () => {
  const { log, busy, clock, start } = open(["n1", "n2", "n3", "n4", "n5"]);
  await start(2);
  assert.equal(log.filter((line) => line.startsWith("on ")).length, 5);
  assert.ok(busy.most <= 2, `${busy.most} at one time`);
  assert.ok(clock.ms >= 3 * 2000, `${clock.ms} ms`);
});

Deno.test("a node whose order was cancelled meanwhile is not switched", async () => {
  const { deployments, ids, log, shown, start } = open(["n1", "n2"]);
  deployments.cancel(ids[1] as string);
  await start(1);
  assert.deepEqual(shown.get("n2"), ["queued", "gone"]);
  assert.ok(!log.includes("on n2"));
});

Deno.test("when the server closes, the starts end, and no failure is shown", async () => {
  const { closing, shown, start } = open(["n1"], { n1: "does not boot" });
  closing.abort(new Error("the server is closing"));
  await assert.rejects(start(), /closing/);
  assert.deepEqual(shown.get("n1"), ["queued"]);
});
