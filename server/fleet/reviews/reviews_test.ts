import assert from "node:assert/strict";
import type { Inventory, NodeSettings, VersionView } from "#contract/api.ts";
import { Review, type ReviewRequest } from "#contract/api/reviews.ts";
import type { Identity } from "#contract/identity.ts";
import { disk, GIB, header } from "#plan/testing/templates.ts";
import { Deployments } from "../../store/deployments.ts";
import { HardwareRecords } from "../../store/hardware_records.ts";
import { Nodes } from "../../store/nodes.ts";
import { MACHINE_INVENTORY } from "../../../test/support/inventory.ts";
import { HardwareHistory } from "../hardware/hardware_history.ts";
import { PlanPreviews } from "../plan_previews.ts";
import type { ReviewSources } from "./review_sources.ts";
import { Reviews } from "./reviews.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

function machine(sizeBytes: number, more: Partial<Inventory["disks"][number]> = {}): Inventory {
  const { kind, names, uses, partitions: _, signatures: __, labels: ___, ...facts } = disk({ sizeBytes });
  const reported = {
    ...facts,
    kind,
    names: [...names],
    uses: [...uses],
    content: "gpt: ext4 'root'",
    ...more,
  };
  return { ...MACHINE_INVENTORY, memoryBytes: 8e9, disks: [reported] };
}

/** Real nodes, deployments and plans; the version `web@2`. */
function site(more: Partial<ReviewSources> = {}) {
  const clock = { ms: Date.parse("2026-06-30T12:00:00Z") }, now = () => clock.ms;
  const db = emptyDatabase();
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const history = new HardwareHistory(new HardwareRecords(db), { now });
  const version = {
    image: "web",
    version: 2,
    id: "aa",
    bootable: true,
    bootNotes: [],
  } as unknown as VersionView;
  const images = {
    get: () => version,
    secrets: () => ({ manifest: { header: JSON.stringify(header()) } }),
    damage: () => undefined,
    settings: () => ({}),
  };
  const previews = new PlanPreviews(
    {
      deployments,
      images,
      encryption: { check: () => {}, unlockOf: () => undefined },
      hooks: { ofNode: () => [] },
      history,
    } as unknown as ConstructorParameters<typeof PlanPreviews>[0],
  );
  const recorded = new Map<string, Identity>();
  const online: { name: string; online: boolean }[] = [];
  const reviews = new Reviews({
    nodes,
    deployments,
    images,
    identities: { get: (id: string) => recorded.get(id) },
    everyBoots: { of: () => undefined },
    templates: { list: () => online },
    power: { view: () => undefined },
    history,
    previews,
    orders: {
      installOf: (order: object) => ({ ...order, image: "web", restore: { keep: [], dryRun: false } }),
    },
    restarts: { prove: () => {} },
    address: "10.0.0.1",
    dhcpRange: { first: "10.0.0.128", last: "10.0.0.254" },
    now,
    ...more,
  } as unknown as ReviewSources);
  const add = (name: string, settings: NodeSettings, inventory?: Inventory) => {
    const { id } = nodes.put(name, settings);
    if (inventory) nodes.touch(id, { inventory });
    return id;
  };
  const deploy = (names: string[], terms: object = {}): ReviewRequest => ({
    kind: "deployment",
    image: "web",
    nodes: names,
    ...terms,
  });
  return { clock, nodes, deployments, recorded, online, version, reviews, add, deploy };
}

const kinds = ({ warnings }: Review) => warnings.map(({ kind, level }) => `${kind} ${level}`);

Deno.test("a review shows the disk that is wiped and what is on it, and counts the machines that lose data", async () => {
  const { reviews, add, deploy } = site();
  add("old", { address: "10.0.0.5/24" }, machine(20 * GIB, { labels: ["data"] }));
  add("empty", {}, machine(20 * GIB, { content: "", labels: [] }));
  add("small", {}, machine(2 * GIB));
  add("unseen", {});
  const review = await reviews.make(deploy(["old", "empty", "small", "unseen"]));
  assert.deepEqual(Review.parse(review), review);
  assert.deepEqual(review.nodes.map(({ node, outcome, loses }) => [node, outcome, loses]), [
    ["old", "planned", "all"],
    ["empty", "planned", "none"],
    ["small", "refused", "unknown"],
    ["unseen", "unknown", "unknown"],
  ]);
  assert.equal(review.losing, 3);
  const [wiped] = review.nodes[0]?.disks ?? [];
  assert.deepEqual([wiped?.sizeBytes, wiped?.content, wiped?.labels], [20 * GIB, "gpt: ext4 'root'", [
    "data",
  ]]);
  assert.equal(review.nodes[0]?.disksFrom, "2026-06-30T12:00:00.000Z");
  assert.deepEqual(kinds(review), ["plan-refused refused", "disks-unknown warning"]);
  assert.match(review.warnings[0]?.cases[0]?.what ?? "", /too small/);
});

Deno.test("names and addresses are shown before and after, and who would share them", async () => {
  const { reviews, add, deploy, recorded } = site();
  const id = add("n1", { address: "10.0.0.5/24" }, machine(20 * GIB));
  add("n2", { hostname: "web2", address: "10.0.0.150/24" }, machine(20 * GIB));
  const other = add("n3", { address: "10.0.0.7/24" }, machine(20 * GIB));
  recorded.set(id, {
    hostname: "was",
    interfaces: [{ kind: "ethernet", addresses: ["10.0.0.7/24"], gateways: [], dns: [] }],
  });
  const assign = await reviews.make(deploy(["n1", "n2"]));
  assert.deepEqual(assign.nodes[0]?.identity, {
    mode: "assign",
    before: { hostname: "was", addresses: ["10.0.0.7/24"] },
    after: { hostname: "n1", addresses: ["10.0.0.5/24"] },
  });
  assert.deepEqual(kinds(assign), ["dhcp-range warning"]);
  const keep = await reviews.make(deploy(["n1", "n3"], { identity: "keep" }));
  assert.equal(keep.nodes[0]?.identity.after.hostname, "was");
  const [clash] = keep.warnings;
  assert.deepEqual([clash?.kind, clash?.level], ["clash", "danger"]);
  assert.deepEqual(clash?.cases, [{
    what: "n1 and n3 would both have the address 10.0.0.7",
    remedy: "change the settings of one of them, or leave it out",
    nodes: ["n1", "n3"],
  }]);
  // the other one need not be in the order
  const keepOne = await reviews.make(deploy(["n1"], { identity: "keep" }));
  assert.deepEqual(keepOne.warnings[0]?.cases[0]?.nodes, ["n1"]);
  assert.ok(other);
});

Deno.test("nodes of which the same is true are one case; what refuses the order comes first", async () => {
  const { reviews, add, deploy, deployments, online, version, nodes } = site();
  const health = { verdict: "failing" as const, reasons: ["it expects to fail"] };
  const ids = ["n1", "n2", "n3"].map((name) => add(name, {}, machine(20 * GIB)));
  add("n4", {}, machine(20 * GIB, { health }));
  online.push({ name: "n1", online: true }, { name: "n2", online: true }, { name: "n3", online: false });
  const { secrets } = deployments.arm(ids.slice(0, 1), { image: "web", version: 3 });
  const { assignment } = deployments.enrol(secrets.get(ids[0] ?? "") ?? "") ?? assert.fail();
  deployments.report(assignment, { step: "finish", state: "done", elapsedMs: 1 });
  const review = await reviews.make(deploy(["n1", "n2", "n3", "n4"]));
  assert.deepEqual(kinds(review), ["disk-failing refused", "in-use warning", "older-image warning"]);
  assert.deepEqual(review.warnings[1]?.cases.map((one) => one.nodes), [["n1", "n2"]]);
  assert.equal(review.warnings[2]?.cases[0]?.what, "it has web@3, which is newer than web@2");
  assert.equal(kinds(await reviews.make(deploy(["n4"], { force: true })))[0], "disk-failing danger");
  Object.assign(version, { bootable: false, bootNotes: ["it has no kernel."] });
  nodes.put("n3", { mac: "52:54:00:00:00:03" });
  assert.equal(kinds(await reviews.make(deploy(["n3"])))[0], "cannot-boot refused");
});

Deno.test("an order is given as it was reviewed, or refused with what changed", async () => {
  const { reviews, add, deploy, nodes, clock, version } = site();
  const id = add("n1", { address: "10.0.0.5/24" }, machine(20 * GIB));
  add("n2", {}, machine(20 * GIB));
  const { digest } = await reviews.make(deploy(["n1", "n2"]));
  const order = (terms: object = {}) => ({ nodes: ["n2", "n1"], image: "web@2", reviewed: digest, ...terms });
  // the order of the nodes, the pace, and time that passes are no changes
  clock.ms += 3_600_000;
  const confirm = (request: ReturnType<typeof order>) => reviews.confirm(request, { kind: "deployment" });
  await confirm(order({ power: { atOnce: 4 }, passphrase: "secret passphrase", force: false }));
  const reason = async (request: ReturnType<typeof order>) => {
    try {
      await confirm(request);
    } catch (error) {
      return (error as { reason: string }).reason;
    }
    return assert.fail("it was accepted");
  };
  assert.match(await reason(order({ force: true })), /the order has other terms/);
  assert.match(await reason(order({ nodes: ["n1"] })), /no longer in the order: n2/);
  nodes.put("n1", { address: "10.0.0.6/24" });
  assert.match(await reason(order()), /changed: n1: its name or addresses changed\.$/);
  nodes.put("n1", { address: "10.0.0.5/24" });
  await confirm(order());
  nodes.touch(id, { inventory: machine(20 * GIB, { content: "gpt: xfs 'precious'" }) });
  assert.match(await reason(order()), /n1: its disks, or what is on them changed/);
  nodes.touch(id, { inventory: machine(20 * GIB) });
  Object.assign(version, { version: 3, id: "bb" });
  assert.match(await reason(order()), /the image is web@3 instead of web@2/);
  assert.match(await reason(order({ reviewed: "0".repeat(64) })), /no longer has that review/);
});

Deno.test("a restore loses what differs from the image, and its dry run nothing", async () => {
  const { reviews, add, deployments } = site();
  add("n1", {}, machine(20 * GIB));
  const restore = await reviews.make({ kind: "restore", nodes: ["n1"] });
  assert.deepEqual([restore.nodes[0]?.loses, restore.losing, restore.image], ["changes", 1, "web@2"]);
  assert.ok(deployments);
  const dry = site({
    orders: {
      installOf: ({ nodes }) => ({ nodes, image: "web", restore: { keep: [], dryRun: true } }),
    },
  });
  dry.add("n1", {}, machine(20 * GIB));
  assert.equal((await dry.reviews.make({ kind: "restore", nodes: ["n1"], dryRun: true })).losing, 0);
});

Deno.test("500 nodes are reviewed within two seconds, in less than half a megabyte", async () => {
  const { reviews, add, deploy, recorded } = site();
  const names = Array.from({ length: 500 }, (_, i) => `n${i}`);
  for (const [i, name] of names.entries()) {
    const address = `10.1.${i >> 8}.${i & 255}/16`;
    const id = add(name, { address }, machine(20 * GIB));
    recorded.set(id, {
      hostname: name,
      interfaces: [{ kind: "ethernet", addresses: [address], gateways: [], dns: [] }],
    });
  }
  const begun = performance.now();
  const review = await reviews.make(deploy(names));
  const tookMs = performance.now() - begun;
  assert.equal(review.losing, 500);
  assert.ok(tookMs < 2000, `${tookMs} ms`);
  const bytes = JSON.stringify(review).length;
  assert.ok(bytes < 500_000, `${bytes} bytes`);
  if (Deno.env.has("RACKSEED_SHOW")) console.log(`${tookMs.toFixed(0)} ms, ${bytes} bytes`);
});

Deno.test("a version of another architecture is refused, before anything is armed", async () => {
  const { reviews, add, deploy, version } = site();
  add("n1", {}, { ...machine(20 * GIB), firmware: "uefi", architecture: "x86_64" });
  add("n2", {}, { ...machine(20 * GIB), firmware: "uefi", architecture: "aarch64" });
  Object.assign(version, { source: { architecture: "aarch64" } });
  const { warnings } = await reviews.make(deploy(["n1", "n2"]));
  const found = warnings.find(({ kind }) => kind === "other-architecture");
  assert.equal(found?.level, "refused");
  assert.deepEqual(found?.cases.map(({ nodes, what }) => ({ nodes, what })), [
    { nodes: ["n1"], what: "it is for arm64 machines, and the node is x86-64" },
  ]);
});

Deno.test("many nodes are reviewed in turns, and one that changes meanwhile is shown as it is at the end", async () => {
  const { reviews, add, deploy, nodes } = site();
  const names = Array.from({ length: 1000 }, (_, i) => `n${i}`);
  const ids = names.map((name) => add(name, {}, machine(20 * GIB)));
  let turns = 0;
  const timer = setInterval(() => {
    if (++turns === 3) nodes.touch(ids[0] ?? "", { inventory: machine(40 * GIB) });
  });
  const review = await reviews.make(deploy(names));
  clearInterval(timer);
  assert.ok(turns > 5, `${turns} turns`);
  assert.equal(review.nodes[0]?.disks[0]?.sizeBytes, 40 * GIB);
});
