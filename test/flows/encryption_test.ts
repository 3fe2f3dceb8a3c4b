/** Encrypted nodes: their keys on the way from the operator to the node, and the recovery keys. */
import assert from "node:assert/strict";
import {
  type Inventory,
  NodeView,
  type RecoveryKeyUse,
  RecoveryKeyView,
  type StepReport,
} from "#contract/api.ts";
import { z } from "zod";
import type { DiskLayout } from "#contract/format/layout.ts";
import { ENCRYPTED_LAYOUT } from "../support/encrypted_layout.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { AnswerWatch, DocumentedApi } from "./support/documented_api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const PASSPHRASE = "correct horse battery";

/** A server with an encrypted image "vault", an ordinary image "web", and the node n1, a machine that it has seen. */
async function start(inventory: Partial<Inventory> = {}): Promise<ServerUnderTest> {
  const test = await ServerUnderTest.start();
  const root = `${test.folder}/tree`;
  await makeSmallTree(root);
  await test.publish("web", { root });
  await test.publish("vault", { root, layout: ENCRYPTED_LAYOUT });
  await test.client.send("PUT", "/nodes/n1", { json: {} });
  const [token] = await test.deploy(["n1"]);
  using agent = (await test.enrol(token, { ...MACHINE_INVENTORY, ...inventory })).agent;
  await report(agent, FINISHED);
  return test;
}

type Agent = Awaited<ReturnType<ServerUnderTest["enrol"]>>["agent"];

async function report(agent: Agent, json: StepReport): Promise<void> {
  await agent.send("POST", "/node/report", { json });
}

const FORMATTED: StepReport = { step: "format", state: "done", elapsedMs: 1, encrypted: true };
const FINISHED: StepReport = { step: "finish", state: "done", elapsedMs: 1 };
const opened = (unlock: string, more: object = {}) => ({ image: "vault", unlock, ...more });
const show = (test: ServerUnderTest, json: object = {}) =>
  test.client.post("/nodes/n1/recovery-key", { body: json, schema: RecoveryKeyView });
const keyOf = async (test: ServerUnderTest, json: object = {}) =>
  (await show(test, json)).keys.map(({ recoveryKey }) => recoveryKey);

/** Deploys "vault" to n1, as far as the node gets with these reports; returns its order. */
async function install(test: ServerUnderTest, { terms, reports }: { terms: object; reports: StepReport[] }) {
  const [token] = await test.deploy(["n1"], terms);
  const { agent, order } = await test.enrol(token, MACHINE_INVENTORY);
  using _agent = agent;
  for (const json of reports) await report(agent, json);
  return order;
}

Deno.test("an encrypted image is not deployed before it is said how its clones are opened", async () => {
  await using test = await start({ tpm2: false });
  const refused: [terms: object, reason: RegExp][] = [
    [{ image: "vault" }, /encrypted \(cryptroot\).*not said how/],
    [opened("passphrase"), /none was given/],
    [opened("tpm2"), /no TPM 2\.0/],
    [opened("key-file", { passphrase: PASSPHRASE }), /none of these nodes is opened by one/],
    [{ image: "web", unlock: "key-file" }, /no encrypted volume/],
    [{ image: "web", passphrase: PASSPHRASE }, /no encrypted volume/],
  ];
  for (const [terms, reason] of refused) {
    await assert.rejects(test.deploy(["n1"], terms), { status: 409, reason }, JSON.stringify(terms));
  }
  assert.equal((await test.client.get("/nodes/n1", NodeView)).armed, false);
  await assert.rejects(test.deploy(["n1"], opened("passphrase", { passphrase: "short" })), { status: 400 });
});

Deno.test("a passphrase is delivered until the node has encrypted with it, and asked for again after a failure", async () => {
  await using test = await start();
  await test.client.send("PUT", "/nodes/n1", { json: { unlock: "passphrase" } });
  const terms = { image: "vault", passphrase: PASSPHRASE };
  const failed: StepReport = { step: "bootloader", state: "failed", elapsedMs: 1 };
  const first = await install(test, { terms, reports: [FORMATTED, failed] });
  assert.deepEqual([first.encryption?.unlock, first.encryption?.passphrase], ["passphrase", PASSPHRASE]);
  assert.equal(first.openWith, undefined);
  await assert.rejects(test.deploy(["n1"], { image: "vault" }), { reason: /none was given.*forgets it/ });
  const second = await install(test, { terms, reports: [FORMATTED, FINISHED] });
  assert.equal(second.encryption?.passphrase, PASSPHRASE);
  assert.notEqual(second.encryption?.recoveryKey, first.encryption?.recoveryKey);
  assert.deepEqual(second.openWith, [first.encryption?.recoveryKey], "the disk as it is has the first key");
  const third = await install(test, { terms, reports: [] });
  assert.equal(third.openWith?.[0], second.encryption?.recoveryKey);
  await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
  await assert.rejects(test.deploy(["n1"], { image: "vault" }), { reason: /none was given/ });
});

Deno.test("a restore and a backup can open the disk, and need no passphrase", async () => {
  await using test = await start();
  const terms = opened("passphrase", { passphrase: PASSPHRASE });
  const { encryption } = await install(test, { terms, reports: [FORMATTED, FINISHED] });
  const recoveryKey = encryption?.recoveryKey;
  const { nodes: [restored] } =
    await (await test.client.send("POST", "/restores", { json: { nodes: ["n1"] } })).json();
  const { order } = await test.enrol(restored.token, MACHINE_INVENTORY);
  assert.deepEqual([order.openWith, order.encryption], [[recoveryKey], {
    unlock: "passphrase",
    recoveryKey,
  }]);
  await test.client.send("POST", "/nodes/n1/cancel", { json: {} });
  const backup = await (await test.client.send("POST", "/nodes/n1/boot-backup", { json: {} })).json();
  using booted = await test.as(backup.nodes[0].token);
  const answer = await booted.send("POST", "/node/enrol", { json: { inventory: MACHINE_INVENTORY } });
  assert.deepEqual((await answer.json()).openWith, [recoveryKey]);
  assert.deepEqual(await keyOf(test), [recoveryKey]);
});

Deno.test("the recovery key is shown once for each deployment, then with a reason; every view is recorded", async () => {
  await using test = await start();
  using watch = new AnswerWatch(new DocumentedApi(apiDocument()));
  await assert.rejects(show(test), { status: 404, reason: /no encrypted volume of it/ });
  const { encryption } = await install(test, { terms: opened("tpm2"), reports: [FORMATTED, FINISHED] });
  const view = (await test.client.get("/nodes/n1", NodeView)).encryption;
  assert.deepEqual([view?.unlock, view?.keyShown], ["tpm2", undefined]);
  assert.deepEqual(await keyOf(test), [encryption?.recoveryKey]);
  await assert.rejects(show(test), { status: 409, reason: /it was shown on/, remedy: /--again/ });
  assert.deepEqual(await keyOf(test, { again: "TPM replaced" }), [encryption?.recoveryKey]);
  const uses = await (await test.client.send("GET", "/nodes/n1/recovery-key")).json() as RecoveryKeyUse[];
  assert.deepEqual(uses.map(({ who, image, reason }) => [who, image, reason]), [
    ["admin token from 127.0.0.1", "vault@1", undefined],
    ["admin token from 127.0.0.1", "vault@1", "TPM replaced"],
  ]);
  const second = await install(test, { terms: opened("tpm2"), reports: [FORMATTED] });
  assert.deepEqual(await keyOf(test), [second.encryption?.recoveryKey], "a new deployment is new");
  assert.deepEqual(watch.complaints, []);
  assert.ok(watch.done.has("POST /nodes/:node/recovery-key"));
});

Deno.test("a node that was installed without encryption since is not shown as encrypted, but its old key is kept", async () => {
  await using test = await start();
  const { encryption } = await install(test, { terms: opened("key-file"), reports: [FORMATTED, FINISHED] });
  await install(test, { terms: { image: "web" }, reports: [FINISHED] });
  assert.equal((await test.client.get("/nodes/n1", NodeView)).encryption, undefined);
  assert.deepEqual(await keyOf(test), [encryption?.recoveryKey], "its old disk may lie in a drawer");
});

Deno.test("volumes of data disks need no key unless the node is to write them", async () => {
  await using test = await start();
  const { disks: [system], encrypted: [volume] = [], fileSystems } = ENCRYPTED_LAYOUT;
  assert.ok(system && volume);
  const data = { ...system, name: "vdb", table: "none" as const, id: undefined, partitions: [] };
  const [root, boot] = fileSystems;
  assert.ok(root && boot);
  const layout: DiskLayout = {
    disks: [system, data],
    encrypted: [{ ...volume, name: "cryptdata", on: { kind: "disk", disk: 1 } }],
    fileSystems: [
      { ...root, volume: { kind: "partition", disk: 0, number: 3 } },
      boot,
      { ...root, uuid: undefined, mountPoint: "/srv", volume: { kind: "luks", name: "cryptdata" } },
    ],
    swap: [],
  };
  await test.publish("data", { root: `${test.folder}/tree`, layout });
  await test.deploy(["n1"], { image: "data" });
  const dataDisks = [{ of: "/srv", disk: "/dev/disk/by-path/pci-0000:00:05.0" }];
  await test.client.send("PUT", "/nodes/n1", { json: { dataDisks } });
  await assert.rejects(test.deploy(["n1"], { image: "data" }), { reason: /encrypted \(cryptdata\)/ });
});

Deno.test("a node with an encrypted disk is deleted only if the loss of its key is accepted", async () => {
  await using test = await start();
  await install(test, { terms: opened("key-file"), reports: [FORMATTED, FINISHED] });
  const remedy = /recovery-key n1.*--force/;
  await assert.rejects(test.client.send("DELETE", "/nodes/n1"), { status: 409, remedy });
  await test.client.send("DELETE", "/nodes/n1?force=true");
});

Deno.test("no secret is in a view, an event or a file of the server, and a node's session reaches no key", async () => {
  await using test = await start();
  const [token] = await test.deploy(["n1"], opened("passphrase", { passphrase: PASSPHRASE }));
  const { agent, order } = await test.enrol(token, MACHINE_INVENTORY);
  using _agent = agent;
  const secrets = [PASSPHRASE, order.encryption?.recoveryKey ?? assert.fail()];
  const noneIn = (text: string, where: string) => {
    for (const secret of secrets) assert.ok(!text.includes(secret), `a secret is in ${where}`);
  };
  for (const json of [undefined, FORMATTED, FINISHED]) {
    if (json) await report(agent, json);
    const views = [
      "/nodes",
      "/nodes/n1",
      "/nodes/n1/log",
      "/nodes/n1/recovery-key",
      "/images/vault",
      "/notices",
    ];
    for (const path of views) noneIn(await (await test.client.send("GET", path)).text(), path);
    noneIn(await firstEvents(test), "the events");
    for await (const { name, isFile } of Deno.readDir(test.data)) {
      if (isFile) noneIn(Buffer.from(await Deno.readFile(`${test.data}/${name}`)).toString("latin1"), name);
    }
  }
  const [node] = await test.client.get("/nodes", z.array(NodeView));
  assert.equal(node?.encryption?.unlock, "passphrase");
  await assert.rejects(agent.send("GET", "/nodes/n1/recovery-key"), { status: 401 });
  await assert.rejects(agent.send("POST", "/nodes/n1/recovery-key", { json: {} }), { status: 401 });
});

/** The events that a watcher gets at once: the present state. */
async function firstEvents(test: ServerUnderTest): Promise<string> {
  const { body } = await test.client.send("GET", "/events");
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
  let text = "";
  while (!/"name":"n1"/.test(text)) text += (await reader.read()).value ?? assert.fail("the stream ended");
  await reader.cancel();
  return text;
}
