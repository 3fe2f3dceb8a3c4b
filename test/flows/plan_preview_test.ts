/** The plan that an operator sees before a node is armed: what is known, and no more. */
import assert from "node:assert/strict";
import { type Inventory, PlanPreview } from "#contract/api.ts";
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { disk, GIB, header } from "../../server/plan/testing/templates.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import { DIRECTORY_INVENTORY, MACHINE_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const [FIRST, SECOND] = ["/dev/disk/by-path/pci-0000:00:04.0", "/dev/disk/by-path/pci-0000:00:05.0"];

/** A disk as an agent reports it. */
function reported(more: Partial<Inventory["disks"][number]> = {}): Inventory["disks"][number] {
  const { kind, names, uses, partitions: _, signatures: __, ...facts } = disk({ sizeBytes: 20 * GIB });
  return {
    ...facts,
    kind,
    names: [...names],
    byPath: names[0],
    uses: [...uses],
    content: "",
    labels: [],
    ...more,
  };
}

const machine = (disks: Inventory["disks"], more: Partial<Inventory> = {}): Inventory => ({
  ...MACHINE_INVENTORY,
  disks,
  ...more,
});
const small = reported({ sizeBytes: 2 * GIB });
const other = reported({ name: "sdb", number: "8:16", names: [SECOND ?? ""], byPath: SECOND });

/** A server with the image of a machine, and the node n1 that has enrolled with this inventory. */
async function start(inventory: Inventory): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  const { layout, source } = header();
  await test.publish("web", { root, layout, source });
  await test.client.send("PUT", "/nodes/n1", { json: {} });
  const [token] = await test.deploy(["n1"]);
  using agent = (await test.enrol(token, inventory)).agent;
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  return test;
}

const plan = (test: ServerUnderTest, { node = "n1", image = "web" } = {}) =>
  test.client.get(`/nodes/${node}/plan?image=${image}`, PlanPreview);

Deno.test("a known machine's plan is shown with its age, and is what deploy repeats in one line", async () => {
  await using test = await start(machine([reported()]));
  const { outcome, lines, disksFrom, remark, image } = await plan(test);
  assert.deepEqual([outcome, image], ["planned", "web@1"]);
  assert.match(lines[0] ?? "", /install web@1 on .*04\.0 \(sda, .*the only disk; everything on it is lost/);
  assert.ok(lines.some((line) => /format .* as ext4/.test(line)), lines.join("\n"));
  assert.match(remark, /reported on \d{4}-\d\d-\d\d at \d\d:\d\d UTC; the node plans again/);
  assert.ok(Math.abs(Date.parse(disksFrom ?? "") - Date.now()) < 60_000);
  const json = { nodes: ["n1"], image: "web" };
  const answer = await (await test.client.send("POST", "/deployments", { json })).json();
  assert.equal(answer.nodes[0].plan, `${lines[0]}; ${remark}`);
});

Deno.test("nothing is claimed about a machine whose disks are not known", async () => {
  await using test = await start(DIRECTORY_INVENTORY);
  await test.client.send("PUT", "/nodes/n2", { json: {} });
  const unseen = await plan(test, { node: "n2" });
  assert.deepEqual([unseen.outcome, unseen.lines, unseen.disksFrom], ["unknown", [], undefined]);
  assert.match(unseen.remark, /has never booted from here/);
  assert.match((await plan(test)).remark, /into a directory/);
  await test.deploy(["n1", "n2"]);
  await using older = await start(MACHINE_INVENTORY);
  const { outcome, remark } = await plan(older);
  assert.equal(outcome, "unknown");
  assert.match(remark, /earlier release/);
  await assert.rejects(plan(older, { image: "none" }), { status: 404 });
  await assert.rejects(plan(older, { node: "none" }), { status: 404 });
  await assert.rejects(plan(older, { image: "Not-A-Name" }), { status: 400 });
});

const refusals: { name: string; inventory: Inventory; says: RegExp }[] = [
  { name: "a disk that is too small", inventory: machine([small]), says: /too small/ },
  { name: "no disk", inventory: machine([]), says: /no disk/ },
  { name: "two disks that would do", inventory: machine([reported(), other]), says: /could take the image/ },
  {
    name: "another firmware",
    inventory: machine([reported()], { firmware: "uefi" }),
    says: /booted with UEFI/,
  },
];
for (const { name, inventory, says } of refusals) {
  Deno.test(`a node is not armed if its plan is refused: ${name}`, async () => {
    await using test = await start(inventory);
    const { outcome, problem, lines } = await plan(test);
    assert.deepEqual([outcome, lines], ["refused", []]);
    assert.match(problem?.detail ?? "", says);
    await assert.rejects(test.deploy(["n1"]), {
      status: 409,
      reason: new RegExp(`${says.source}.*reported on \\d{4}`),
      remedy: /--no-plan-check/,
    });
    await test.deploy(["n1"], { planCheck: false });
  });
}

Deno.test("the operator's choice of a disk is in the plan", async () => {
  await using test = await start(machine([reported(), other]));
  await test.client.send("PUT", "/nodes/n1", { json: { disks: [SECOND] } });
  const { outcome, lines } = await plan(test);
  assert.equal(outcome, "planned");
  assert.match(lines[0] ?? "", /\(sdb, .*named by the operator/);
  await test.client.send("PUT", "/nodes/n1", { json: { disks: [FIRST] } });
  assert.match((await plan(test)).lines[0] ?? "", /\(sda,/);
});

Deno.test("a disk that is to be left alone is neither taken nor a reason to ask", async () => {
  await using test = await start(machine([reported(), other]));
  for (const [pattern, taken] of [[SECOND, "sda"], ["/dev/disk/by-path/*04.0", "sdb"]]) {
    await test.client.send("PUT", "/nodes/n1", { json: { leaveDisks: [pattern] } });
    const { outcome, lines } = await plan(test);
    assert.equal(outcome, "planned");
    assert.ok(lines[0]?.includes(`(${taken},`), lines[0]);
  }
  await test.client.send("PUT", "/nodes/n1", { json: { leaveDisks: [">10GB"] } });
  assert.match((await plan(test)).problem?.detail ?? "", /left alone \(>10GB\)/);
  await test.client.send("PUT", "/nodes/n1", { json: { leaveDisks: [SECOND], disks: [SECOND] } });
  assert.equal((await plan(test)).outcome, "refused", "naming a disk does not overrule it");
});

Deno.test("hooks that the image cannot run at its first boot are refused", async () => {
  await using test = await start(machine([reported()]));
  const { layout, source } = header();
  assert.ok(layout);
  const boot = { ...GRUB_ONLY, noFirstBoot: "none of curl, bash, perl, wget" };
  await test.publish("bare", { root: `${test.folder}/tree`, layout: { ...layout, boot }, source });
  assert.equal((await plan(test, { image: "bare" })).outcome, "planned");
  const hook = { script: "#!/bin/sh\n", optional: false, timeoutSeconds: 60 };
  await test.client.send("PUT", "/hooks/all/first-boot/join", { json: hook });
  assert.match(
    (await plan(test, { image: "bare" })).problem?.detail ?? "",
    /none of curl, .*cannot run hooks/,
  );
});

Deno.test("an encrypted image is refused until it is said how the node opens it", async () => {
  await using test = await start(machine([reported()], { tpm2: false }));
  await test.publish("vault", {
    root: `${test.folder}/tree`,
    layout: ENCRYPTED_LAYOUT,
    source: header().source,
  });
  assert.match((await plan(test, { image: "vault" })).problem?.detail ?? "", /not said how/);
  const { lines } = await test.client.get("/nodes/n1/plan?image=vault&unlock=key-file", PlanPreview);
  assert.ok(lines.some((line) => /LUKS/.test(line)), lines.join("\n"));
  await test.client.send("PUT", "/nodes/n1", { json: { unlock: "tpm2" } });
  assert.match((await plan(test, { image: "vault" })).problem?.detail ?? "", /no TPM 2\.0/);
});

Deno.test("a restore is refused as early as a deployment, unless it is ordered all the same", async () => {
  await using test = await start(machine([reported()]));
  const restored = (json: Record<string, unknown> = {}) =>
    test.client.send("POST", "/restores", { json: { nodes: ["n1"], ...json } });
  const preview = await test.client.get("/nodes/n1/plan?restore=true", PlanPreview);
  assert.match(preview.lines[0] ?? "", /^restore .*\(sda, .* to web@1$/);
  const answer = await (await restored()).json();
  assert.match(answer.nodes[0].plan, /^restore .*\(sda, .* to web@1; by the disks that it reported/);
  // the disk is gone: another one holds something
  const [token] = await test.deploy(["n1"]);
  using agent = (await test.enrol(token, machine([small]))).agent;
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  for (const dryRun of [false, true]) {
    await assert.rejects(restored({ dryRun }), {
      status: 409,
      title: "cannot restore n1 to web@1",
      reason: /too small.*reported on \d{4}/,
      remedy: /--no-plan-check/,
    });
  }
  await restored({ planCheck: false });
});

Deno.test("what a restore would do is not known for a node without an image", async () => {
  await using test = await start(machine([reported()]));
  await test.client.send("PUT", "/nodes/n2", { json: {} });
  await assert.rejects(test.client.get("/nodes/n2/plan?restore=true", PlanPreview), { status: 409 });
});
