/** What a restarted server does with the starts that the one before it had begun; the store is real. */
import assert from "node:assert/strict";
import { PowerRequest, type PowerSettings } from "#contract/api/power.ts";
import { Deployments } from "../store/deployments.ts";
import { Nodes } from "../store/nodes.ts";
import { PowerRecords } from "../store/power_records.ts";
import { PowerStarts } from "../store/power_starts.ts";
import { PowerControl } from "./power_control.ts";
import type { Pause, PowerDriver } from "./power_driver.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const TERMS = { atOnce: 1, pauseSeconds: 1, arriveSeconds: 600 };

/** Ends only when the server closes. */
const forEver: Pause = (_, signal) => {
  const { promise, reject } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
};

function site(names: readonly string[]) {
  const db = emptyDatabase(), clock = { ms: 0 }, now = () => clock.ms;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const records = new PowerRecords(db, { directory: { keys: "/nonexistent" } });
  const ids = names.map((name) => nodes.put(name, {}).id);
  const settings: PowerSettings = { method: "command", program: "pdu", args: [] };
  records.putAll(ids.map((node) => ({ node, power: { settings, secret: null, pin: null } })));
  const { deployment, secrets } = deployments.arm(ids, { image: "web", version: 1 });
  const on: string[] = [], lent: string[] = [];
  const media = {
    lend: (medium: string, node: string) => {
      lent.push(node);
      return `https://server/${medium}`;
    },
    end: (node: string) => void lent.splice(lent.indexOf(node), 1),
  };
  /** What is in the machines' virtual drives. */
  const drives = new Map<string, string>();
  const isOn = new Set<string>();
  const server = ({ pause, enrols }: { pause: Pause; enrols: boolean }) => {
    const machine = (name: string, id: string): PowerDriver => ({
      status: () => Promise.resolve(isOn.has(name) ? "on" : "off"),
      canCutPower: () => Promise.resolve(true),
      on: () => {
        on.push(name);
        isOn.add(name);
        if (enrols) deployments.enrol(secrets.get(id) ?? "");
        return Promise.resolve();
      },
      off: () => Promise.resolve(void isOn.delete(name)),
      reset: () => Promise.reject(new Error("not expected")),
      bootOnce: (target) => Promise.resolve(target === "medium" ? `boots ${drives.get(name)}` : undefined),
      insertMedium: (url) => Promise.resolve(void drives.set(name, url)),
      ejectMedium: () => Promise.resolve(void drives.delete(name)),
      restoreBoot: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
    const starts = new PowerStarts(db), onChange = () => {};
    const open = ({ name, id }: { name: string; id: string }) => machine(name, id);
    const events = { put: () => {} };
    return new PowerControl({
      nodes,
      deployments,
      records,
      events,
      starts,
      open,
      pause,
      now,
      onChange,
      media,
    });
  };
  const answer = {
    deployment,
    image: "web@1",
    nodes: ids.map((id, i) => ({ node: names[i] ?? "", id, token: "" })),
  };
  const enrol = (id: string) => deployments.enrol(secrets.get(id) ?? "");
  return { ids, on, clock, answer, server, enrol, drives, lent };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("a restarted server goes on: what was switched is awaited, what was not is switched", async () => {
  const { ids: [n1 = "", n2 = ""], on, clock, answer, server, enrol } = site(["n1", "n2"]);
  const first = server({ pause: forEver, enrols: false });
  first.start(answer, TERMS);
  await settled();
  assert.deepEqual([first.view(n1)?.start?.state, first.view(n2)?.start?.state], ["awaited", "queued"]);
  await first[Symbol.asyncDispose]();

  enrol(n1);
  const pause: Pause = (ms, signal) => {
    signal.throwIfAborted();
    clock.ms += ms;
    return Promise.resolve();
  };
  await using second = server({ pause, enrols: true });
  second.resume();
  await settled();
  assert.deepEqual(on, ["n1", "n2"], "each machine was switched on once");
  assert.deepEqual([second.view(n1)?.start?.state, second.view(n2)?.start?.state], ["arrived", "arrived"]);
  await using third = server({ pause, enrols: true });
  third.resume();
  assert.equal(third.view(n2)?.start?.state, "arrived", "nothing is left to do");
  assert.equal(on.length, 2);
});

Deno.test("a restarted server still knows which nodes failed, and gives an awaited one no longer than it had", async () => {
  const { ids: [n1 = ""], clock, answer, server } = site(["n1"]);
  const first = server({ pause: forEver, enrols: false });
  first.start(answer, TERMS);
  await settled();
  await first[Symbol.asyncDispose]();
  clock.ms += TERMS.arriveSeconds * 1000;
  await using second = server({ pause: () => Promise.reject(new Error("it must not wait")), enrols: false });
  second.resume();
  await settled();
  assert.match(second.view(n1)?.start?.problem?.detail ?? "", /has not enrolled within 600 s/);
  await using third = server({ pause: forEver, enrols: false });
  third.resume();
  assert.equal(third.view(n1)?.start?.state, "failed");
});

Deno.test("a machine starts from a medium, which is ejected when its installation has ended", async () => {
  const { ids: [n1 = ""], server, drives, lent } = site(["n1"]);
  await using control = server({ pause: () => Promise.resolve(), enrols: false });
  const act = async (request: Partial<PowerRequest>) => {
    const whole = PowerRequest.parse({ nodes: ["n1"], ...request });
    return await Array.fromAsync(control.act(whole, new AbortController().signal));
  };
  assert.deepEqual(await act({ action: "cycle", boot: "medium", medium: "1a2b3c4d" }), [
    { node: "n1", state: "on", note: "boots https://server/1a2b3c4d" },
  ]);
  assert.deepEqual(lent, [n1]);
  for (const state of ["running", "armed", "installing"]) control.noteState({ id: n1, state });
  await settled();
  assert.equal(drives.size, 1, "its own system ran before");
  control.noteState({ id: n1, state: "installed" });
  await settled();
  assert.deepEqual([drives.size, lent.length], [0, 0]);
  await act({ action: "on", boot: "medium", medium: "1a2b3c4d" });
  assert.equal((await act({ action: "eject" }))[0]?.problem, undefined);
  assert.deepEqual([drives.size, lent.length], [0, 0]);
  for (const bad of [{ action: "on", boot: "medium" }, { action: "off", boot: "disk" }] as const) {
    assert.throws(() => PowerRequest.parse({ nodes: ["n1"], ...bad }), /go with on and cycle/);
  }
});
