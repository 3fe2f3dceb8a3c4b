import assert from "node:assert/strict";
import { FirstBootWatch } from "./first_boot/first_boot_watch.ts";
import type { NodeView, ServerEvent, StepReport } from "#contract/api.ts";
import { Deployments } from "../store/deployments.ts";
import { EveryBoots } from "../store/every_boot.ts";
import { DiskSecrets } from "../store/disk_secrets.ts";
import { FirstBoots } from "../store/first_boots.ts";
import { HardwareRecords } from "../store/hardware_records.ts";
import { NodeChecks } from "../store/node_checks.ts";
import { Nodes } from "../store/nodes.ts";
import { RecoveryKeyUses } from "../store/recovery_key_uses.ts";
import { MACHINE_INVENTORY } from "../../test/support/inventory.ts";
import { NodeTpms } from "../store/node_tpms.ts";
import { Attestations } from "./attestation/attestations.ts";
import { Encryption } from "./encryption.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

/** Real nodes and deployments; no images, and batches that know nothing. */
function open({ db = emptyDatabase() } = {}) {
  const clock = { ms: Date.parse("2026-06-30T12:00:00Z") };
  const now = () => clock.ms;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const checks = new NodeChecks(db);
  const events: ServerEvent[] = [], advanced: (NodeView | undefined)[] = [];
  const fleet = new Fleet({
    nodes,
    deployments,
    checks,
    now,
    pin: "pin",
    firstBoots: new FirstBootWatch(new FirstBoots(db), { now }),
    encryption: new Encryption({
      secrets: new DiskSecrets(db, { directory: { keys: "/nonexistent" }, now }),
      uses: new RecoveryKeyUses(db, { now }),
    }),
    power: { view: () => undefined, forget: () => {} },
    everyBoots: new EveryBoots(db, { keys: "/nonexistent" }),
    hardware: new HardwareRecords(db),
    batches: {
      slowest: () => undefined,
      limit: () => undefined,
      seeding: () => undefined,
      note: () => {},
      forget: () => {},
      reportPauseMs: 8000,
    },
    terms: { changes: () => ({}) },
    bell: { ring: () => {} },
    hooks: { forgetNode: () => {} },
    identities: { forget: () => {} },
    attestations: new Attestations({
      tpms: new NodeTpms(db, { now }),
      requiredByDefault: false,
      expectedBoot: () => assert.fail("no node here needs a proof"),
      pin: "pin",
      now,
    }),
    publish: (event: ServerEvent) => void events.push(event),
    advance: (_name: string, view: () => NodeView | undefined) => void advanced.push(view()),
  } as unknown as FleetOptions);
  return { db, clock, nodes, deployments, checks, fleet, events, advanced };
}

Deno.test("a node that falls silent while it installs is published once, and no other node is", () => {
  const { clock, nodes, deployments, fleet, events } = open();
  const ids = ["n1", "n2", "n3"].map((name) => nodes.put(name, {}).id);
  const { secrets } = deployments.arm(ids.slice(0, 2), { image: "web", version: 1 });
  for (const id of ids.slice(0, 2)) deployments.enrol(secrets.get(id) ?? "");
  for (const id of ids) nodes.touch(id);
  const look = (ms: number) => {
    events.length = 0;
    clock.ms += ms;
    fleet.flagSilent();
    return events.map((event) => event.type === "node" && [event.node.name, event.node.silentSince]);
  };
  assert.deepEqual(look(30_000), []);
  nodes.touch(ids[1] as string);
  assert.deepEqual(look(30_000), [["n1", "2026-06-30T12:00:00.000Z"]]);
  assert.deepEqual(look(5_000), []);
  nodes.touch(ids[0] as string);
  assert.equal(fleet.get("n1").silentSince, undefined);
  assert.deepEqual(look(25_000), [["n2", "2026-06-30T12:00:30.000Z"]]);
});

Deno.test("a newly armed node counts for both its old version and the new one", () => {
  const { nodes, deployments, fleet } = open();
  const { id } = nodes.put("n1", {});
  const { secrets } = deployments.arm([id], { image: "web", version: 1 });
  const { assignment } = deployments.enrol(secrets.get(id) ?? "") ?? assert.fail();
  deployments.report(assignment, { step: "finish", state: "done", elapsedMs: 1 });
  const none = { ordered: [], installed: [], everyBoot: [] };
  assert.deepEqual([...fleet.versionUsers()], [["web@1", { ...none, installed: ["n1"] }]]);
  deployments.arm([id], { image: "web", version: 2 });
  assert.deepEqual([...fleet.versionUsers()], [
    ["web@2", { ...none, ordered: ["n1"] }],
    ["web@1", { ...none, installed: ["n1"] }],
  ]);
});

Deno.test("a restore ends what the last check found; a dry run does not", () => {
  const { nodes, deployments, checks, fleet } = open();
  const { id } = nodes.put("n1", {});
  const run = (restore?: { keep: string[]; dryRun: boolean }) => {
    const { secrets } = deployments.arm([id], { image: "web", version: 1, restore });
    const { assignment } = deployments.enrol(secrets.get(id) ?? "") ?? assert.fail();
    fleet.agents.report(assignment, { step: "finish", state: "done", elapsedMs: 1 }, { address: "10.0.0.9" });
    return fleet.get("n1").check?.result?.drifted;
  };
  run();
  const at = "2026-06-30T12:00:00Z";
  const order = { check: "c1", image: "web", version: 1, manifest: "", keep: [], left: [], readsAll: false };
  const check = { id: "c1", state: "done" as const, ordered: at, ended: at, order, threshold: 0, given: 1 };
  checks.put(id, check);
  const found = { entries: 1, changed: 1, missing: 0, foreign: 0, readBytes: 1, elapsedMs: 1, cpuMs: 1 };
  const result = { ...found, differences: [], notes: [], at, image: "web@1", threshold: 0, drifted: true };
  checks.complete(id, { check, result });
  assert.equal(run({ keep: [], dryRun: true }), true);
  assert.equal(run({ keep: [], dryRun: false }), undefined);
  assert.deepEqual(fleet.get("n1").check, undefined);
});

Deno.test("a machine with the network card of a known machine is not taken for it", () => {
  const { nodes, deployments, fleet } = open();
  const mac = "52:54:00:00:00:01";
  const { id } = nodes.put("n1", { mac });
  const inventory = {
    ...MACHINE_INVENTORY,
    nics: [{ name: "eth0", mac }],
    uuid: "4c4c4544-0051-3010-8052-b4c04f4d3432",
    serial: "4Q0R4M2",
  };
  nodes.touch(id, { inventory });
  const { secrets } = deployments.arm([id], { image: "web", version: 1 });
  const other = { ...inventory, uuid: "4c4c4544-0051-3010-8052-b4c04f4d3433", serial: "4Q0R4M3" };
  const swarm = { announce: [], webSeeds: [], seeders: [], http: "http://10.0.0.1:8080" };
  assert.throws(
    () => fleet.agents.enrol(secrets.get(id) ?? "", { inventory: other, address: "10.0.0.9", swarm }),
    {
      status: 409,
      reason: /it is another machine: SMBIOS UUID .*, serial number 4Q0R4M3 instead of 4Q0R4M2/,
    },
  );
  assert.equal(nodes.get(id).inventory?.serial, "4Q0R4M2");
});

Deno.test("a machine takes the place of a broken one whose node got its MAC", () => {
  const { nodes, deployments, fleet } = open();
  const [before, after] = ["52:54:00:00:00:01", "52:54:00:00:00:02"];
  const { id } = nodes.put("n1", { mac: before });
  const machine = (mac: string, serial: string, uuid: string) => ({
    ...MACHINE_INVENTORY,
    nics: [{ name: "eth0", mac }],
    uuid,
    serial,
  });
  nodes.touch(id, { inventory: machine(before, "4Q0R4M2", "4c4c4544-0051-3010-8052-b4c04f4d3432") });
  nodes.put("n1", { mac: after });
  const { secrets } = deployments.arm([id], { image: "web", version: 1 });
  const inventory = machine(after, "4Q0R4M3", "4c4c4544-0051-3010-8052-b4c04f4d3433");
  const swarm = { announce: [], webSeeds: [], seeders: [], http: "http://10.0.0.1:8080" };
  // it comes as far as the image, which this fleet has none of
  assert.throws(
    () => fleet.agents.enrol(secrets.get(id) ?? "", { inventory, address: "10.0.0.9", swarm }),
    TypeError,
  );
});

Deno.test("a full database keeps no machine from booting its own disk", () => {
  const { db, nodes, fleet } = open();
  const mac = "52:54:00:00:00:01";
  nodes.put("n1", { mac });
  db.exec("CREATE TABLE filler (bytes BLOB)");
  const { page_count } = db.prepare("PRAGMA page_count").get() as { page_count: number };
  db.exec(`PRAGMA max_page_count = ${page_count + 1}`);
  const fill = () => db.exec("INSERT INTO filler VALUES (randomblob(500))");
  assert.throws(() => {
    for (;;) fill();
  }, /full/);
  for (let i = 10; i < 99; i++) {
    fleet.netboot.noteSeen(`52:54:00:00:01:${i}`, { by: "http" });
    assert.equal(fleet.netboot.issue(`52:54:00:00:01:${i}`), undefined);
  }
  fleet.netboot.noteSeen(mac, { by: "http" });
  assert.equal(fleet.netboot.issue(mac), undefined);
  assert.throws(() => {
    for (let i = 0; i < 99; i++) nodes.put(`more${i}`, {});
  }, /full/);
});

Deno.test("watchers see a machine appear, and leave when it becomes a node by any way or is deleted", () => {
  const { nodes, fleet, events } = open();
  const macs = ["52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"];
  const [first = "", second = "", third = ""] = macs;
  for (const mac of macs) fleet.netboot.noteSeen(mac, { by: "http" });
  const ids = macs.map((mac) => nodes.byMac(mac)?.id);
  fleet.adopt([{ node: "n1", mac: first, settings: {} }]);
  fleet.put("n2", { mac: second });
  fleet.delete(third);
  const kinds = events.map((event) =>
    event.type === "machine"
      ? `machine ${event.machine.mac}`
      : event.type === "machine-removed"
      ? `removed ${event.id}`
      : event.type === "node"
      ? `node ${event.node.name}`
      : event.type
  );
  assert.deepEqual(kinds, [
    ...macs.map((mac) => `machine ${mac}`),
    ...[`removed ${ids[0]}`, "node n1", `removed ${ids[1]}`, "node n2", `removed ${ids[2]}`, "node-removed"],
  ]);
  assert.deepEqual(fleet.list().map(({ name }) => name), ["n1", "n2"]);
  assert.deepEqual(fleet.machines.list(), []);
});

Deno.test("an order by its MAC makes a machine a node, except the order to read its hardware", () => {
  const { db, nodes, deployments, fleet } = open();
  const mac = "52:54:00:00:00:01";
  fleet.netboot.noteSeen(mac, { by: "http" });
  const { id } = nodes.get(mac);
  deployments.arm([id], { image: "web", version: 1, discover: { listenSeconds: 35 } });
  fleet.changed(nodes.get(id));
  assert.deepEqual([fleet.list(), fleet.listOrdered().map(({ armed }) => armed)], [[], [true]]);
  const again = open({ db });
  assert.deepEqual(again.fleet.machines.list().map(({ state }) => state), ["armed"]);
  const order = deployments.enrol(deployments.issueBootSecret(id) ?? "");
  assert.ok(order);
  deployments.report(order.assignment, { step: "finish", state: "done", elapsedMs: 1 });
  assert.deepEqual(fleet.machines.list().map(({ state }) => state), ["idle"]);
  // as an earlier release left it
  deployments.arm([id], { image: "web", version: 1 });
  assert.deepEqual(open({ db }).fleet.list().map(({ name }) => name), ["52-54-00-00-00-01"]);
});

Deno.test("a paused deployment holds what has not begun, across restarts, and lets the rest go on", () => {
  const { db, nodes, deployments, fleet } = open();
  const macs = ["52:54:00:00:00:01", "52:54:00:00:00:02"] as const;
  const ids = macs.map((mac, i) => nodes.put(`n${i + 1}`, { mac }).id);
  const { deployment, secrets } = deployments.arm(ids, { image: "web", version: 1 });
  deployments.enrol(secrets.get(ids[0] ?? "") ?? "");
  fleet.batchOrders.pause(deployment, { by: "anna" });
  assert.deepEqual([fleet.get("n1").paused, fleet.get("n2").paused], [undefined, true]);
  const later = open({ db });
  for (const { fleet } of [open({ db }), later]) {
    assert.notEqual(fleet.netboot.issue(macs[0]), undefined, "it has begun, and resumes after a power cut");
    assert.equal(fleet.netboot.issue(macs[1]), undefined, "its own disk");
  }
  assert.equal(later.deployments.about(deployment).paused?.by, "anna");
  later.fleet.batchOrders.resume(deployment);
  assert.notEqual(later.fleet.netboot.issue(macs[1]), undefined);
  assert.throws(() => later.fleet.batchOrders.resume(deployment), { status: 409, reason: /not paused/ });
  later.deployments.cancel(ids[1] ?? "");
  assert.throws(() => later.fleet.batchOrders.pause(deployment, { by: "anna" }), {
    status: 409,
    reason: /all its nodes have begun/,
  });
});

/** A node that is being installed, and what it does and learns. */
function installing() {
  const parts = open(), { nodes, deployments, fleet, events, advanced } = parts;
  const { id } = nodes.put("n1", {});
  const { secrets } = deployments.arm([id], { image: "web", version: 1 });
  const { session } = deployments.enrol(secrets.get(id) ?? "") ?? assert.fail();
  const report = (step: StepReport["step"], state: StepReport["state"], bytesDone?: number) => {
    events.length = advanced.length = 0;
    return fleet.agents.report(fleet.agents.assignmentOf(session), {
      step,
      state,
      elapsedMs: 1,
      ...(bytesDone !== undefined && { progress: { bytesDone, bytesTotal: 9, peers: 1, bytesPerSecond: 1 } }),
    }, { address: "10.0.0.1" });
  };
  return { ...parts, id, report };
}

Deno.test("progress within a step is for those who watch; the begin and end of a step, and a failure, are events", () => {
  const { events, advanced, report } = installing();
  const seen = () => [events.length, advanced.length];
  report("format", "running");
  assert.deepEqual(seen(), [1, 0]);
  report("format", "running", 1);
  assert.deepEqual(seen(), [0, 1]);
  assert.equal(advanced[0]?.report?.progress?.bytesDone, 1);
  report("format", "done");
  assert.deepEqual(seen(), [1, 0]);
  report("install", "running", 0);
  assert.deepEqual(seen(), [1, 0]);
  report("install", "failed");
  assert.deepEqual([events.length, (events[0] as { node: NodeView }).node.state], [1, "failed"]);
});

Deno.test("a silent node that reports progress again is an event", () => {
  const { clock, events, advanced, report } = installing();
  report("install", "running");
  clock.ms += 61_000;
  report("install", "running", 1);
  assert.deepEqual([events.length, advanced.length], [1, 0]);
  assert.equal((events[0] as { node: NodeView }).node.silentSince, undefined);
});

Deno.test("a node that somebody looks at reports every second, whatever the pause of the others", () => {
  const { clock, fleet, id, report } = installing();
  assert.equal(report("install", "running").nextReportMs, 8000);
  fleet.agents.watch(id);
  assert.equal(report("install", "running", 1).nextReportMs, undefined);
  clock.ms += 15_000;
  assert.equal(report("install", "running", 2).nextReportMs, 8000);
});

Deno.test("a list of one group views no node of another, and a page none beyond it", () => {
  const { nodes, deployments, fleet } = open();
  for (let i = 0; i < 20; i++) nodes.put(`n${i}`, { group: `g${i % 4}` });
  let viewed = 0;
  const progress = deployments.progress.bind(deployments);
  deployments.progress = (id) => {
    viewed++;
    return progress(id);
  };
  const names = [...fleet.listAfter("n3", "g1")].map(({ name }) => name);
  assert.deepEqual([names, viewed], [["n5", "n9", "n13", "n17"], 4]);
  viewed = 0;
  assert.equal([...fleet.listAfter(undefined).take(3)].length, 3);
  assert.equal(viewed, 3);
});
