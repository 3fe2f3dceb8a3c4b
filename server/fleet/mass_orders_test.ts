/** Orders for so many nodes that they are worked on in turns. */
import assert from "node:assert/strict";
import type { Inventory, VersionView } from "#contract/api.ts";
import { GIB, header } from "#plan/testing/templates.ts";
import { reportedMachine } from "../../test/support/inventory.ts";
import { DiskSecrets } from "../store/disk_secrets.ts";
import { EveryBoots } from "../store/every_boot.ts";
import { Deployments } from "../store/deployments.ts";
import { FirstBoots } from "../store/first_boots.ts";
import { HardwareRecords } from "../store/hardware_records.ts";
import { NodeChecks } from "../store/node_checks.ts";
import { Nodes } from "../store/nodes.ts";
import { NodeTpms } from "../store/node_tpms.ts";
import { RecoveryKeyUses } from "../store/recovery_key_uses.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";
import { Attestations } from "./attestation/attestations.ts";
import { Encryption } from "./encryption.ts";
import { FirstBootWatch } from "./first_boot/first_boot_watch.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";

const COUNT = 300;

/** A fleet of machines with disks that the version `web@3` fits on; counts the plans of it that are read. */
function open() {
  const now = () => 0, db = emptyDatabase(), keys = "/nonexistent";
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const version = { image: "web", version: 3, id: "aa", bootable: true, bootNotes: [] };
  const published: string[] = [], planned: string[] = [];
  const fleet = new Fleet({
    nodes,
    deployments,
    checks: new NodeChecks(db),
    now,
    pin: "pin",
    firstBoots: new FirstBootWatch(new FirstBoots(db), { now }),
    encryption: new Encryption({
      secrets: new DiskSecrets(db, { directory: { keys }, now }),
      uses: new RecoveryKeyUses(db, { now }),
    }),
    power: { view: () => undefined },
    everyBoots: new EveryBoots(db, { keys }),
    hardware: new HardwareRecords(db),
    batches: {
      forget: () => {},
      slowest: () => undefined,
      limit: () => undefined,
      seeding: () => undefined,
    },
    bell: { ring: () => {} },
    hooks: { ofNode: ({ name }: { name: string }) => (planned.push(name), []) },
    proofs: { warningOf: () => undefined },
    images: {
      get: () => version as unknown as VersionView,
      secrets: () => ({ manifest: { header: JSON.stringify(header()) } }),
      damage: () => undefined,
    },
    attestations: new Attestations({
      tpms: new NodeTpms(db, { now }),
      requiredByDefault: false,
      expectedBoot: () => assert.fail("no node here needs a proof"),
      pin: "pin",
      now,
    }),
    publish: (event: { type: string; node?: { name: string } }) =>
      void published.push(event.node?.name ?? ""),
  } as unknown as FleetOptions);
  const names = Array.from({ length: COUNT }, (_, i) => `n${i}`);
  const inventory: Inventory = reportedMachine(20 * GIB);
  for (const name of names) nodes.touch(nodes.put(name, {}).id, { inventory });
  const armed = () =>
    names.filter((name) => nodes.find(name) && deployments.active(nodes.get(name).id)).length;
  const rows = () => db.prepare("SELECT total_changes() AS n").get()?.n;
  return { db, nodes, fleet, names, published, planned, armed, rows };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("an order is planned in turns that write nothing, and then given to all of its nodes at once", async () => {
  const { fleet, names, planned, armed, rows, published } = open();
  using _ = fleet;
  const request = { nodes: names, image: "web" }, before = rows();
  let turns = 0, wrote = 0;
  const timer = setInterval(() => {
    turns++;
    if (rows() !== before || armed() > 0) wrote++;
  });
  const ahead = await fleet.orders.planAhead(request);
  clearInterval(timer);
  assert.deepEqual([turns > 0, wrote, planned.length], [true, 0, COUNT]);
  fleet.orders.deploy(request, { ahead });
  assert.deepEqual([armed(), planned.length], [COUNT, COUNT]);
  // their events do not hold up other requests either
  assert.ok(published.length < COUNT);
  while (published.length < COUNT) await nextTurn();
  assert.deepEqual(published, names);
});

Deno.test("a node that changes or goes while the order is planned is seen, and then no node is armed", async () => {
  const { fleet, nodes, names, planned, armed } = open();
  using _ = fleet;
  const request = { nodes: names, image: "web" };
  const ahead = await fleet.orders.planAhead(request);
  nodes.touch(nodes.get("n5").id, { inventory: reportedMachine(1 * GIB) });
  assert.throws(() => fleet.orders.deploy(request, { ahead }), /cannot deploy web@3 to n5: .*too small/s);
  assert.deepEqual([armed(), planned.length], [0, COUNT + 1]);
  nodes.touch(nodes.get("n5").id, { inventory: reportedMachine(20 * GIB) });
  nodes.delete(nodes.get("n7").id);
  assert.throws(() => fleet.orders.deploy(request, { ahead }), /cannot find the node n7/);
  assert.equal(armed(), 0);
});

Deno.test("an order that fails half way arms no node, and a cancellation that does cancels none", async () => {
  const { db, fleet, nodes, names, armed, published } = open();
  using _ = fleet;
  const request = { nodes: names, image: "web" };
  const last = nodes.get("n299").id;
  const fail = (event: string) =>
    db.exec(`CREATE TEMP TRIGGER full BEFORE ${event} WHEN NEW.node = '${last}'
      BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  fail("INSERT ON assignments");
  assert.throws(() => fleet.orders.deploy(request), /disk is full/);
  assert.deepEqual([armed(), published.length], [0, 0]);
  db.exec("DROP TRIGGER full");
  const { deployment } = fleet.orders.deploy(request);
  while (published.length < COUNT) await nextTurn();
  fail("UPDATE ON assignments");
  assert.throws(() => fleet.batchOrders.cancel(deployment, {}), /disk is full/);
  assert.deepEqual([armed(), published.length], [COUNT, COUNT]);
  db.exec("DROP TRIGGER full");
  assert.equal(fleet.batchOrders.cancel(deployment, {}).length, COUNT);
  assert.equal(armed(), 0);
  assert.ok(published.length < 2 * COUNT);
  while (published.length < 2 * COUNT) await nextTurn();
});
