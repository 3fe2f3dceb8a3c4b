/** The API of a complete server: permissions, limits, orders, and what survives a restart. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  API,
  CaptureOrder,
  CaptureView,
  MachineView,
  NodeView,
  ReportAnswer,
  type StepReport,
} from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { formatToken, pinOf } from "#contract/token.ts";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { runInstall } from "../../agent/install_command.ts";
import { openDatabase } from "../../server/store/database.ts";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { DIRECTORY_INVENTORY } from "../support/inventory.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract", import.meta.url).pathname;
const MAC = "52:54:00:00:00:01";

const step = (name: StepReport["step"], state: StepReport["state"] = "running"): StepReport => ({
  step: name,
  state,
  elapsedMs: 1,
});
const report = (agent: ApiClient, body: StepReport) =>
  agent.post("/node/report", { body, schema: ReportAnswer });

Deno.test("no call is answered without permission for that call", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  await test.client.put("/nodes/n2", { body: {}, schema: NodeView });
  const [first = "", second = ""] = await test.deploy(["n1", "n2"]);
  const { agent } = await test.enrol(first);
  using _agent = agent;
  using boot = await test.as(second);
  using stranger = await test.as(test.server.token.replace(/.{43}$/, "x".repeat(43)));
  const operator = [
    ...["GET /templates", "POST /templates", "GET /templates/x/orders", "GET /captures", "POST /captures"],
    ...["DELETE /captures/x", "POST /captures/x/known", "POST /captures/x/frames", "PUT /captures/x/entries"],
    ...["POST /captures/x/entries/0"],
    ...["GET /images", "GET /images/web", "DELETE /images/web", "POST /images/web/verify"],
    ...[
      "GET /images/web/export",
      "GET /nodes",
      "PUT /nodes",
      "PUT /nodes/n1",
      "DELETE /nodes/n1",
      "POST /deployments",
    ],
    ...["POST /nodes/n1/cancel", "GET /nodes/n1/log", "GET /events", "GET /deployments/x"],
    ...["GET /webhooks", "PUT /webhooks/x", "DELETE /webhooks/x", "POST /webhooks/x/test"],
    ...["GET /webhook-failures", "POST /webhook-failures/resend"],
    ...["GET /swarm", "POST /swarm", "GET /hooks", "PUT /hooks/all/first-boot/x"],
  ];
  for (const call of operator) {
    const [method, path] = call.split(" ") as ["GET" | "POST" | "PUT" | "DELETE", string];
    for (const [who, client] of Object.entries({ stranger, boot, agent })) {
      await assert.rejects(client.send(method, path), { status: 401 }, `${who} ${call}`);
    }
  }
  const hostname = { hostname: "n1", interfaces: [] };
  for (const path of ["/node/enrol", "/node/report", "/node/identity", "/node/record"]) {
    const json = path === "/node/enrol"
      ? { inventory: DIRECTORY_INVENTORY }
      : path === "/node/report"
      ? step("plan")
      : hostname;
    await assert.rejects(test.client.send("POST", path, { json }), { status: 401 }, `operator ${path}`);
    await assert.rejects(stranger.send("POST", path, { json }), { status: 401 }, `stranger ${path}`);
  }
  await assert.rejects(
    boot.send("GET", "/node/torrent"),
    { status: 401 },
    "a boot token alone gives nothing",
  );
});

Deno.test("an invalid request is refused with a problem and its remedy", async () => {
  await using test = await ServerUnderTest.start();
  const { client } = test;
  const cases: [call: () => Promise<unknown>, status: number][] = [
    [() => client.send("POST", "/deployments", { body: "{}" }), 415],
    [() => client.send("POST", "/deployments", { json: { nodes: [] } }), 400],
    [() => client.send("PUT", "/nodes/n1", { json: { mac: "nonsense" } }), 400],
    [() => client.send("PUT", "/nodes/a%2Fb", { json: {} }), 400],
    [() => client.send("POST", "/templates", { json: { name: "x".repeat(5 << 20), lacks: [] } }), 413],
    [() => client.send("GET", "/nothing"), 404],
    [() => client.send("GET", "/captures/none"), 404],
    [() => client.send("POST", "/captures", { json: { image: "web", template: "none" } }), 404],
    [() => client.send("POST", "/deployments", { json: { nodes: ["none"], image: "web" } }), 404],
    [() => client.send("GET", "/deployments/none"), 404],
    [() => client.send("POST", "/swarm", { json: { uploadLimit: 1 } }), 400],
    [() => client.send("POST", "/swarm", { json: { uploadlimit: null } }), 400],
    [() => client.send("POST", "/swarm", { json: { seed: { mode: "for" } } }), 400],
    [() => client.send("PUT", "/nodes/n1", { json: { rack: "a/b" } }), 400],
  ];
  for (const [call, status] of cases) {
    await assert.rejects(
      call(),
      (error: { status: number; remedy: string }) => error.status === status && error.remedy.length > 5,
    );
  }
});

Deno.test("a frame above the size limit is refused before it is held in memory", async () => {
  await using test = await ServerUnderTest.start();
  const { id } = await test.client.post("/captures", { body: { image: "web" }, schema: CaptureView });
  const endless = ReadableStream.from((function* () {
    for (;;) yield new Uint8Array(1 << 20);
  })());
  await assert.rejects(test.client.send("POST", `/captures/${id}/frames`, { body: endless }));
});

Deno.test("a waiting template gets its own order, and only that, at once", async () => {
  await using test = await ServerUnderTest.start();
  const Id = z.object({ id: z.string() });
  const [golden, other] = await Promise.all(
    ["golden", "other"].map((name) =>
      test.client.post("/templates", { body: { name, lacks: [] }, schema: Id })
    ),
  );
  const stop = new AbortController();
  const foreign = test.client.send("GET", `/templates/${other?.id}/orders`, { signal: stop.signal });
  const waiting = test.client.get(`/templates/${golden?.id}/orders`, CaptureOrder);
  const body = { image: "web", template: "golden", excludes: ["/srv/**"] };
  const started = performance.now();
  const capture = await test.client.post("/captures", { body, schema: CaptureView });
  assert.deepEqual(await waiting, { capture: capture.id, image: "web", excludes: ["/srv/**"], level: 9 });
  assert.ok(performance.now() - started < 5000, "it was woken up and did not poll");
  await assert.rejects(test.client.post("/captures", { body, schema: CaptureView }), { status: 409 });
  stop.abort(new Error("enough"));
  await assert.rejects(foreign, /enough/);
});

Deno.test("a node enrols with its token, gets what it needs, and is disarmed when it is done", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", {
    body: { address: "10.0.0.5/24", dns: ["10.0.0.1"] },
    schema: NodeView,
  });
  const [token = ""] = await test.deploy(["n1"]);
  const { agent, order } = await test.enrol(token);
  using _agent = agent;
  assert.deepEqual([order.node, order.image, order.version], ["n1", "web", 1]);
  assert.deepEqual(order.identity.mode, "assign");
  assert.deepEqual(order.identity.assigned, {
    hostname: "n1",
    interfaces: [{ kind: "ethernet", addresses: ["10.0.0.5/24"], gateways: [], dns: ["10.0.0.1"] }],
  });
  const [http, udp] = order.swarm.announce;
  assert.equal(http, `${test.server.urls.http}/announce`);
  assert.match(udp ?? "", /^udp:\/\/127\.0\.0\.1:\d+$/);
  const torrent = new Uint8Array(await (await agent.send("GET", "/node/torrent")).arrayBuffer());
  const metainfo = parseMetainfo(torrent);
  assert.equal(Buffer.from(metainfo.infoHash).toString("hex"), order.swarm.infoHash);
  const seeded = await fetch(`${order.swarm.webSeeds[0]}${metainfo.info.name}/manifest.rsm`);
  assert.equal((await seeded.arrayBuffer()).byteLength, metainfo.info.files.at(-1)?.length);
  const file = `${order.fallback?.packs}${metainfo.info.name}/manifest.rsm`;
  const part = await agent.send("GET", file, { range: "bytes=2-5" });
  assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 4]);
  await assert.rejects(agent.send("GET", `${order.fallback?.packs}x/other.pack`), { status: 404 });
  await assert.rejects(test.client.send("GET", file), { status: 401 }, "only the node may fetch it");

  await assert.rejects(test.enrol(token), { status: 401 }, "the token is used up");
  await assert.rejects(test.client.send("DELETE", "/images/web"), { status: 409 });
  await assert.rejects(test.client.send("DELETE", "/nodes/n1"), { status: 409 });
  assert.deepEqual(await report(agent, step("plan", "done")), { cancelled: false, seedOn: false });
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await report(agent, step("finish", "done")), { cancelled: false, seedOn: false });
  }
  for (const path of ["/node/torrent", file]) await assert.rejects(agent.send("GET", path), { status: 409 });
  const node = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual([node.state, node.armed, node.image], ["installed", false, "web@1"]);
  await assert.rejects(test.client.send("DELETE", "/images/web"), {
    status: 409,
    message: /installed on n1/,
  });
  await test.client.send("DELETE", "/images/web?force=true");
  assert.equal((await fetch(`${order.swarm.webSeeds[0]}${metainfo.info.name}/manifest.rsm`)).status, 404);
});

Deno.test("a report that arrives after its order was replaced does not affect the new order", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token = ""] = await test.deploy(["n1"]);
  const { agent, order } = await test.enrol(token);
  agent[Symbol.dispose]();
  using connection = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: Number(new URL(test.server.urls.server).port),
    caCerts: [await Deno.readTextFile(`${test.folder}/data/tls/ca.pem`)],
  });
  const write = (text: string) => connection.write(new TextEncoder().encode(text));
  const answer = async () => {
    const into = new Uint8Array(4096);
    return new TextDecoder().decode(into.subarray(0, await connection.read(into) ?? 0));
  };
  const body = JSON.stringify(step("finish", "done"));
  const head = [
    `POST ${API}/node/report HTTP/1.1`,
    "Host: server",
    `Authorization: Bearer ${order.session}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
  ];
  await write(`${head.join("\r\n")}\r\n\r\n`);
  // RFC 9110 §10.1.1: the server has accepted the head, session included, and waits for the body.
  assert.match(await answer(), /^HTTP\/1\.1 100 /);
  await test.client.post("/nodes/n1/cancel", { body: {}, schema: NodeView });
  const [fresh = ""] = await test.deploy(["n1"]);
  await write(body);
  assert.match(await answer(), /^HTTP\/1\.1 401 /);
  assert.equal((await test.client.get("/nodes/n1", NodeView)).state, "armed");
  (await test.enrol(fresh)).agent[Symbol.dispose]();
});

Deno.test("an agent rejects an order with a wrong signature, and the server learns why", async () => {
  await using test = await ServerUnderTest.start();
  for (const image of ["web", "other"]) await test.publish(image, { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  await test.restart(() => {
    const db = openDatabase(`${test.folder}/data/rackseed.db`);
    db.exec(
      `UPDATE version SET signature = (SELECT signature FROM version JOIN lineage ON lineage.id = lineage
      WHERE image = 'other') WHERE lineage = (SELECT id FROM lineage WHERE image = 'web')`,
    );
    db.close();
    return Promise.resolve();
  });
  const [token = ""] = await test.deploy(["n1"]);
  const { server } = test.server.urls;
  const target = await Deno.makeTempDir();
  const install = runInstall({ server, token, target, signal: new AbortController().signal });
  await assert.rejects(install, /cannot trust the order/);
  await Deno.remove(target);
  const { state, report } = await test.client.get("/nodes/n1", NodeView);
  assert.deepEqual([state, report?.step, report?.state], ["failed", "enrol", "failed"]);
  assert.match(report?.problem?.detail ?? "", /signature/);
});

Deno.test("a damaged version stops neither the server nor other versions, and can be deleted", async () => {
  await using test = await ServerUnderTest.start();
  for (const image of ["torn", "gone", "web"]) await test.publish(image, { root: SOURCES });
  await test.restart(async () => {
    await Deno.writeTextFile(`${test.folder}/data/versions/torn@1/torrent`, "nonsense");
    await Deno.remove(`${test.folder}/data/versions/gone@1/torrent`);
  });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token = ""] = await test.deploy(["n1"]);
  const { agent, order } = await test.enrol(token);
  using _agent = agent;
  const torrent = new Uint8Array(await (await agent.send("GET", "/node/torrent")).arrayBuffer());
  const url = `${order.swarm.webSeeds[0]}${parseMetainfo(torrent).info.name}/manifest.rsm`;
  assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
  for (const image of ["torn", "gone"]) await test.client.send("DELETE", `/images/${image}`);
  assert.deepEqual(await (await test.client.send("GET", "/images")).json().then((all) => all.length), 1);
});

Deno.test("a request for extents is limited to what a frame can hold", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token = ""] = await test.deploy(["n1"]);
  using agent = (await test.enrol(token)).agent;
  const ask = (extents: number[]) =>
    agent.send("POST", "/node/extents", { json: { frames: [{ frame: 0, extents }] } });
  await (await ask([0, 1, 2])).body?.cancel();
  await assert.rejects(ask(Array(4096).fill(0)), { status: 400 });
});

Deno.test("a server that stops answering is reported as unreachable, without further waiting", async () => {
  const folder = await Deno.makeTempDir();
  const authority = await openAuthority(folder);
  const stop = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: stop.signal,
    onListen() {},
    ...await issueServerCertificate(authority, ["127.0.0.1"]),
  }, ({ url }) => url.endsWith("/ca.pem") ? new Response(authority.pem) : new Promise(() => {}));
  const token = formatToken({ pin: pinOf(authority.pem), secret: "s".repeat(32) });
  using client = await ApiClient.connect({ server: `https://127.0.0.1:${server.addr.port}`, token });
  await assert.rejects(client.send("GET", "/templates/t1/orders", { answerMs: 50 }), {
    status: 503,
    reason: /no answer for 0.05 s/,
  });
  stop.abort();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a machine with another MAC than the node's is not enrolled, and the token stays valid", async () => {
  await using test = await ServerUnderTest.start();
  const { client } = test;
  await test.publish("web", { root: SOURCES });
  await client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token = ""] = await test.deploy(["n1"]);
  await client.put("/nodes/n1", { body: { mac: MAC }, schema: NodeView });
  using agent = await test.as(token);
  const machine = {
    ...DIRECTORY_INVENTORY,
    kind: "machine",
    nics: [{ name: "eth0", mac: "52:54:00:00:00:99" }],
  };
  await assert.rejects(agent.send("POST", "/node/enrol", { json: { inventory: machine } }), { status: 409 });
  const right = { ...machine, nics: [{ name: "eth0", mac: MAC.toUpperCase() }] };
  await agent.send("POST", "/node/enrol", { json: { inventory: right } });
});

Deno.test("an image without a kernel is not deployed to a machine that boots from the network", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: { mac: MAC }, schema: NodeView });
  await assert.rejects(test.deploy(["n1"]), { status: 409 });
});

Deno.test("orders, sessions, nodes and images survive a restart, and the swarm serves them", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  for (const name of ["n1", "n2"]) await test.client.put(`/nodes/${name}`, { body: {}, schema: NodeView });
  const [first = "", second = ""] = await test.deploy(["n1", "n2"]);
  const { agent, order } = await test.enrol(first);
  agent[Symbol.dispose]();
  const { token } = test.server;

  await test.restart();
  assert.equal(test.server.token, token);
  const nodes = await test.client.get("/nodes", z.array(NodeView));
  assert.deepEqual(nodes.map((n) => [n.name, n.state]), [["n1", "installing"], ["n2", "armed"]]);
  using again = await test.as(first);
  again.useSession(order.session);
  await report(again, step("plan", "done"));
  using other = (await test.enrol(second)).agent;
  const torrent = new Uint8Array(await (await other.send("GET", "/node/torrent")).arrayBuffer());
  const { infoHash } = parseMetainfo(torrent);
  const query = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const announce = `${test.server.urls.http}/announce?info_hash=${query}&peer_id=${
    "a".repeat(20)
  }&port=1&left=1`;
  const answer = await (await fetch(announce)).text();
  assert.match(answer, /8:completei1e/);
});

Deno.test("plain HTTP serves boot files, tracker and sealed packs, and nothing else", async () => {
  await using test = await ServerUnderTest.start();
  for (const path of ["/", "/ca.pem", `${API}/nodes`, "/boot/", "/boot/../token", "/seed/", "/seed/x/y"]) {
    const response = await fetch(test.server.urls.http + path);
    await response.body?.cancel();
    assert.equal(response.status, 404, path);
  }
});

Deno.test("an unarmed machine that boots from the network is sent to its own disk, and listed from then on", async () => {
  await using test = await ServerUnderTest.start();
  const script = await (await fetch(`${test.server.urls.http}/boot/ipxe/52-54-00-00-00-01`)).text();
  assert.match(script, /^#!ipxe/);
  assert.doesNotMatch(script, /kernel|token/);
  const [machine, ...others] = await test.client.get("/machines", z.array(MachineView));
  assert.deepEqual([machine?.mac, machine?.state, machine?.sighting.by], [MAC, "idle", ["http"]]);
  assert.deepEqual([others, await test.client.get("/nodes", z.array(NodeView))], [[], []]);
  assert.equal((await test.client.get(`/nodes/${MAC}`, NodeView)).armed, false);
});
