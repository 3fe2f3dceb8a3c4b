/** The OpenAPI document tells the truth: what a real server takes and answers is what it says. */
import assert from "node:assert/strict";
import { z } from "zod";
import {
  AgentToken,
  API,
  CaptureView,
  DeployAnswer,
  DiscoverOrder,
  NodeView,
  type StepReport,
  TemplateId,
} from "#contract/api.ts";
import { TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { TpmChallenge } from "#contract/api/attestation.ts";
import { CheckOrder } from "#contract/api/checks.ts";
import { TransferView } from "#contract/api/transfers.ts";
import { CALLS } from "#contract/calls.ts";
import { type Call, isMedia, PARAMETER } from "#contract/calls/call.ts";
import { formatToken, parseToken } from "#contract/token.ts";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { madeTpmKeys } from "../support/made_tpm_keys.ts";
import { AnswerWatch, DocumentedApi } from "./support/documented_api.ts";
import { MadeRelay } from "./support/made_relay.ts";
import { addMedium } from "./support/add_medium.ts";
import { spyOn } from "./support/schema_spy.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { callSites } from "./support/site_calls.ts";
import { makeSmallTree } from "./support/small_tree.ts";

const any = z.unknown();
const api = new DocumentedApi(apiDocument());

/** Called with success elsewhere; here they would need a machine that boots, QEMU, encrypted disks, or a lasting agent. */
const NOT_HERE = [
  "DELETE /media/:medium",
  "GET /images/:ref/boot/:file",
  "GET /media/:medium/image",
  // for a BMC: test/interop/redfish_emulator_test.ts
  "GET /media/:medium/image/:file",
  "GET /rehearsals/:id",
  // of a standby: standby_test.ts
  "GET /standbys/content",
  "POST /standbys/enrol",
  "POST /standbys/follow",
  "POST /standbys/report",
  "GET /rehearsals/:id/console",
  "GET /rehearsals/:id/screenshot",
  "POST /images/:ref/rehearsals",
  "POST /media",
  "POST /media/reports",
  "POST /node/medium",
  // needs an image with a boot loader: boot_signatures_test.ts
  "POST /node/signatures",
  "POST /rehearsals/:id/cancel",
  "GET /templates/:id/boot/:file{vmlinuz|initramfs}",
  "POST /nodes/:node/recovery-key",
  // needs a bucket: pack_store_test.ts
  "POST /pack-store",
  "POST /templates/:id/restart",
  "GET /upstream", // of a relay: relay_test.ts
];

Deno.test("every answer of a server at work is as documented, and every call is among them", async () => {
  const mail = { mailServer: "127.0.0.1", mailPort: 9, mailFrom: "a@example.org", mailTo: ["b@example.org"] };
  const settingsOfServer = { ...mail, mailSecurity: "off", signedImages: "enroll" } as const;
  await using test = await ServerUnderTest.start({ settings: settingsOfServer });
  using watch = new AnswerWatch(api);
  const image = `${test.folder}/image`;
  await makeSmallTree(image);
  await test.publish("web", { root: image });
  await Deno.writeTextFile(`${image}/more`, "more");
  await test.publish("web", { root: image });
  await settings(test);
  await installation(test);
  await backups(test);
  await machines(test);
  await checks(test);
  await schedules(test);
  await images(test);
  await callSites(test);
  await people(test);
  await test.client.get("/nodes", any);
  await test.client.send("DELETE", "/nodes/n4?force=true");
  assert.deepEqual(watch.complaints, []);
  assert.deepEqual(api.names.filter((name) => !watch.done.has(name)).sort(), NOT_HERE.sort());
});

async function settings({ client, server }: ServerUnderTest): Promise<void> {
  const put = (path: string, body: unknown) => client.put(path, { body, schema: any });
  const interfaces = [
    { kind: "ethernet", addresses: "dhcp" },
    {
      kind: "vlan",
      name: "vlan7",
      id: 7,
      parent: "52:54:00:00:00:04",
      addresses: ["10.7.0.4/24"],
      mtu: 9000,
    },
    { kind: "ethernet", mac: "52:54:00:00:00:04", addresses: [] },
  ];
  await put("/nodes", [
    { node: "n1", settings: { group: "rack1", address: "10.0.0.1/24", gateway: "10.0.0.254" } },
    { node: "n2", settings: { group: "rack1" } },
  ]);
  await put("/nodes/n3", { hostname: "three", uploadLimit: "off", rack: "r3", leaveDisks: [">2TB"] });
  await assert.rejects(put("/nodes/n4", { dataDisks: [] }), { status: 400 });
  await put("/nodes/n4", { mac: "52:54:00:00:00:AA", interfaces, unlock: "key-file" });
  await put("/power", [{ node: "n4", power: { method: "wol", broadcast: "127.0.0.1" } }]);
  const power = await client.send("POST", "/power", { json: { nodes: ["n4"], action: "status" } });
  const results = (await power.text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(api.lineComplaint("POST /power", results), undefined);
  const hook = { script: "true", timeoutSeconds: 5 };
  await put("/hooks/node:n1/pre-install/check", hook);
  await put("/hooks/all/post-install/spare", hook);
  await client.get("/hooks", any);
  await client.get("/hooks/node:n1/pre-install/check", any);
  await client.send("DELETE", "/hooks/all/post-install/spare");
  await client.post("/swarm", {
    body: { uploadLimit: 100_000_000, seed: { mode: "none" } },
    schema: any,
  });
  await client.get("/swarm", any);
  await client.get("/pack-store", any);
  await client.get("/notices", any);
  await client.get("/secure-boot", any);
  const url = new URL("/nobody", server.urls.http).href;
  await put("/webhooks/chat", { url, events: ["node.failed"] });
  await client.post("/webhooks/chat/test", { body: {}, schema: any });
  await client.get("/webhooks", any);
  await client.get("/webhooks/chat", any);
  await client.get("/webhook-failures", any);
  await client.post("/webhook-failures/resend", { body: {}, schema: any });
  await client.send("DELETE", "/webhooks/chat");
  await client.get("/mail", any);
  await client.post("/mail/test", { body: {}, schema: any });
  await client.get("/openapi.json", any);
  const events = await client.send("GET", "/events");
  const first = (await events.body?.pipeThrough(new TextDecoderStream()).getReader().read())?.value ?? "";
  const data = [...first.matchAll(/^data: (.*)$/gm)].map(([, json = ""]) => JSON.parse(json));
  assert.ok(data.length > 5);
  assert.equal(api.lineComplaint("GET /events", data), undefined);
}

/** n1 is installed by an agent's calls, fails, and is restored. */
async function installation(test: ServerUnderTest): Promise<void> {
  const { client } = test;
  await client.get("/nodes/n1/plan?image=web@1", any);
  const review = { kind: "deployment", nodes: ["n1", "n2"], image: "web" };
  await client.post("/reviews", { body: review, schema: any });
  const body = { nodes: ["n1", "n2"], image: "web", identity: "ask", seed: { mode: "for", seconds: 60 } };
  const ordered = await client.post("/deployments", { body, schema: DeployAnswer });
  const { agent, order } = await test.enrol(ordered.nodes[0]?.token);
  using _agent = agent;
  const report = (json: StepReport) => agent.send("POST", "/node/report", { json });
  const identity = { hostname: "n1", interfaces: [{ kind: "ethernet", addresses: ["10.0.0.1/24"] }] };
  await agent.post("/node/identity", { body: { hostname: "n1" }, schema: any });
  await agent.send("POST", "/node/record", { json: identity });
  const torrent = new Uint8Array(await (await agent.send("GET", "/node/torrent")).arrayBuffer());
  const file = `${order.fallback?.packs}${parseMetainfo(torrent).info.name}/manifest.rsm`;
  await (await agent.send("GET", file)).body?.cancel();
  assert.equal((await agent.send("GET", file, { range: "bytes=0-9" })).status, 206);
  await assert.rejects(agent.send("GET", file, { range: "bytes=999999999-" }), { status: 416 });
  await assert.rejects(agent.send("GET", `${file}x`), { status: 404 });
  const json = { frames: [{ frame: 0, extents: [0] }] };
  await (await agent.send("POST", "/node/extents", { json })).body?.cancel();
  const progress = { bytesDone: 1, bytesTotal: 2, peers: 3, bytesPerSecond: 4, source: "peers" as const };
  await report({ step: "plan", state: "done", elapsedMs: 1, plan: ["wipe nothing"] });
  await report({ step: "install", state: "running", elapsedMs: 1, progress });
  await client.get("/nodes/n1", any);
  await client.get(`/deployments/${ordered.deployment}`, any);
  await client.get("/deployments", any);
  const problem = { title: "cannot format", status: 500, detail: "no.", remedy: "try again." };
  const batch = `/deployments/${ordered.deployment}`;
  await client.post(`${batch}/pause`, { body: {}, schema: any });
  await client.post(`${batch}/resume`, { body: {}, schema: any });
  await report({ step: "format", state: "failed", elapsedMs: 1, problem, log: ["it broke"] });
  for (const part of ["", "/progress", "/swarm", "/comparison"]) await client.get(`${batch}${part}`, any);
  const again = await client.post(`${batch}/retry`, { body: {}, schema: DeployAnswer });
  assert.deepEqual(again.nodes.map(({ node }) => node), ["n1"]);
  await client.post(`/deployments/${again.deployment}/cancel`, { body: { nodes: ["n1"] }, schema: any });
  await client.get("/nodes/n1/log", any);
  await client.get("/nodes/n1/console", any);
  await client.get("/nodes/n1/history", any);
  await client.get("/nodes/n1/recovery-key", any);
  await client.post("/restores", {
    body: { nodes: ["n1"], image: "web@1", dryRun: true, keep: ["/srv"] },
    schema: any,
  });
  await client.get("/nodes/n1", any);
  await client.post("/nodes/n1/cancel", { body: {}, schema: any });
}

/** n2 by the agent that runs on it, n3 at its boot. */
async function backups(test: ServerUnderTest): Promise<void> {
  const { client } = test;
  await client.send("POST", "/nodes/n2/cancel");
  const { token } = await client.post("/nodes/n2/agent", { body: {}, schema: AgentToken });
  using own = await test.as(token);
  const announced = { body: { name: "n2", lacks: ["no lvm"] }, schema: z.object({ id: z.string() }) };
  const { id } = await own.post("/templates", announced);
  await client.get("/templates", any);
  const capture = await client.post("/nodes/n2/backup", { body: { level: 1 }, schema: CaptureView });
  await own.get(`/templates/${id}/orders`, any);
  const problem = { title: "cannot read", status: 500, detail: "no.", remedy: "try again." };
  await own.send("POST", `/captures/${capture.id}/failed`, { json: problem });
  await client.get(`/captures/${capture.id}`, any);
  const body = { image: "web" };
  const armed = await client.post("/nodes/n3/boot-backup", { body, schema: DeployAnswer });
  using booted = await test.as(armed.nodes[0]?.token ?? "");
  const inventory = { kind: "machine", firmware: "uefi", memoryBytes: 1, cpus: 1, nics: [], disks: [] };
  const { session } = await booted.post("/node/enrol", {
    body: { inventory },
    schema: z.object({ session: z.string() }),
  });
  booted.useSession(session);
  const order = await booted.post("/node/backup", { body: {}, schema: z.object({ capture: z.string() }) });
  await booted.get(`/node/backup/${order.capture}`, any);
  await client.get("/nodes/n3", any);
  await client.send("DELETE", `/captures/${order.capture}`);
  await client.get("/captures", any);
}

/** One appears and is adopted; of another, which its agent is started on by hand, the hardware is read. */
async function machines(test: ServerUnderTest): Promise<void> {
  const { client, server } = test;
  await (await fetch(`${server.urls.http}/boot/ipxe/bc-24-11-00-00-01`)).body?.cancel();
  await client.get("/machines", any);
  const adopted = { node: "m1", mac: "bc:24:11:00:00:01", settings: {} };
  await client.post("/machines/adopt", { body: [adopted], schema: any });
  await client.put("/nodes/d1", { body: {}, schema: any });
  const body = { nodes: ["d1"], image: "web" };
  const { nodes: [ordered] } = await client.post("/discoveries", { body, schema: DeployAnswer });
  using agent = await test.as(ordered?.token ?? "");
  const enrolment = { inventory: MACHINE_INVENTORY };
  await agent.post("/node/attest", { body: madeTpmKeys(), schema: TpmChallenge });
  const { session } = await agent.post("/node/enrol", { body: enrolment, schema: DiscoverOrder });
  agent.useSession(session);
  await agent.send("POST", "/node/inventory", { json: enrolment });
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  await client.get("/nodes/d1/hardware", any);
  await client.post("/nodes/d1/accept-hardware", { body: {}, schema: any });
  await client.post("/nodes/d1/forget-tpm", { body: {}, schema: any });
  await client.get("/nodes/d1", any);
}

/** c1 is installed, and compared by the agent that runs on it. */
async function checks(test: ServerUnderTest): Promise<void> {
  const { client } = test;
  await client.put("/nodes/c1", { body: {}, schema: any });
  const { agent } = await test.enrol((await test.deploy(["c1"]))[0]);
  await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
  agent[Symbol.dispose]();
  const { token } = await client.post("/nodes/c1/agent", { body: {}, schema: AgentToken });
  using own = await test.as(token);
  const { id } = await own.post("/templates", { body: { name: "c1", lacks: [] }, schema: TemplateId });
  const order = async () => {
    await client.post("/checks", { body: { nodes: ["c1"] }, schema: any });
    return (await own.get(`/templates/${id}/orders?checks=true`, CheckOrder)).check;
  };
  const check = await order();
  await (await own.send("GET", `/checks/${check}/manifest`)).body?.cancel();
  await own.send("POST", `/checks/${check}/progress`, { json: { phase: "listing", bytes: 1 } });
  await client.get("/nodes/c1", any);
  const differences = [{ path: "/a", what: "foreign", detail: "a directory", package: "base-files" }];
  const counts = { entries: 3, changed: 0, missing: 0, foreign: 1, readBytes: 1, elapsedMs: 1, cpuMs: 1 };
  await own.send("PUT", `/checks/${check}/result`, { json: { ...counts, differences, notes: ["no index"] } });
  await client.get("/nodes/c1/check", any);
  const problem = { title: "cannot compare", status: 500, detail: "no.", remedy: "try again." };
  await own.send("POST", `/checks/${await order()}/failed`, { json: problem });
  await client.get("/nodes/c1/check", any);
}

async function schedules({ client }: ServerUnderTest): Promise<void> {
  const order = { work: "restore", image: "web", dryRun: true };
  const body = { name: "nightly", nodes: ["@rack1"], cron: "@daily", windows: ["22:00-05:00"], order };
  await client.post("/schedules", { body, schema: any });
  const { name: _, ...terms } = body;
  await client.post("/schedules/preview", { body: terms, schema: any });
  await client.put("/schedules/nightly", { body: terms, schema: any });
  for (const verb of ["pause", "resume", "run"]) {
    await client.post(`/schedules/nightly/${verb}`, { body: {}, schema: any });
  }
  await client.get("/schedules", any);
  await client.get("/schedules/nightly", any);
  await client.send("DELETE", "/schedules/nightly");
}

async function images({ client }: ServerUnderTest): Promise<void> {
  await client.get("/images", any);
  await client.get("/images?backupOf=n2", any);
  await client.get("/images/web", any);
  await client.put("/images/web/settings", { body: { keep: ["/srv"], own: ["/etc/own/"] }, schema: any });
  await client.get("/images/web/settings", any);
  await client.put("/images/web/tags/stable", { body: { version: 1 }, schema: any });
  await client.put("/images/web@stable/note", { body: { note: "the first" }, schema: any });
  await client.get("/images/web@stable/uses", any);
  await client.send("DELETE", "/images/web/tags/stable");
  await client.get("/images/web@1/diff/web@2", any);
  await client.get("/images/web@1/rehearsals", any);
  await client.get("/rehearsals", any);
  await client.get("/media", any);
  await client.get("/images/web@1/diff/web@2/folder?limit=1", any);
  await client.get("/images/web@1/diff/web@2/text?path=more", any);
  await client.get("/images/web/files?path=srv/deep&limit=7", any);
  await client.get("/images/web/find?name=h*name", any);
  for (const path of ["/etc/hostname", "two", "link", "fifo", ""]) {
    await client.get(`/images/web/file?path=${path}`, any);
  }
  await (await client.send("GET", "/images/web/content?path=/link")).body?.cancel();
  const lines = (await (await client.send("POST", "/images/web/verify")).text()).trim().split("\n");
  const complaint = api.lineComplaint("POST /images/:ref/verify", lines.map((line) => JSON.parse(line)));
  assert.equal(complaint, undefined);
  await (await client.send("GET", "/images/web/export")).body?.cancel();
  await (await client.send("GET", "/images/web/torrent")).body?.cancel();
  await client.post("/images/web/key", { body: {}, schema: any });
  // nobody listens there; registry_test.ts has real ones
  const artifact = "127.0.0.1:1/site/web:1";
  const { id } = await client.post("/images/web/push", { body: { to: artifact }, schema: TransferView });
  await client.post("/images/pull", { body: { from: artifact }, schema: any });
  await client.get(`/transfers/${id}`, any);
  await client.post(`/transfers/${id}/cancel`, { body: {}, schema: any });
  await client.post("/images/prune", { body: { keepLast: 1, apply: false }, schema: any });
  await client.send("DELETE", "/images/web@1");
}

async function people(test: ServerUnderTest): Promise<void> {
  const { client } = test;
  await client.post("/users", {
    body: { name: "anna", role: "operator", groups: ["rack1"] },
    schema: UserAnswer,
  });
  await client.put("/users/anna", { body: { reset: true }, schema: any });
  await client.get("/users", any);
  await client.get("/users/anna", any);
  const body = { user: "anna", name: "ci", role: "viewer", days: 1 };
  const { view, token } = await client.post("/tokens", { body, schema: TokenAnswer });
  using anna = await test.as(token);
  await anna.get("/me", any);
  await anna.get("/tokens", any);
  await client.send("DELETE", `/tokens/${view.id}`);
  await client.send("DELETE", "/users/anna");
  await client.get("/audit?limit=5", any);
  const lines = (await (await client.send("GET", "/audit/export")).text()).trim().split("\n");
  const complaint = api.lineComplaint(
    "GET /audit/export",
    lines.slice(0, -1).map((line) => JSON.parse(line)),
  );
  assert.equal(complaint, undefined);
  await (await client.send("POST", "/server/backup")).body?.cancel();
  await client.get("/standing", any);
  await client.post("/standbys", { body: { name: "b" }, schema: any });
  await client.get("/standbys", any);
  await client.send("DELETE", "/standbys/b");
  await client.post("/take-over", { body: {}, schema: any });
  const rotated = await client.post("/tokens/rotate-admin", {
    body: {},
    schema: z.object({ token: z.string() }),
  });
  client.useSession(rotated.token.split(".")[2] ?? "");
}

/** Values with which a route gets as far as to read its body. */
const PATH: Readonly<Record<string, string>> = {
  part: "0",
  scope: "all",
  when: "pre-install",
  name: "none",
  webhook: "none",
};

Deno.test("each route parses exactly what the document describes, and refuses anything else", async () => {
  await using test = await ServerUnderTest.start();
  await makeSmallTree(`${test.folder}/image`);
  await test.publish("web", { root: `${test.folder}/image` });
  const secret = "m".repeat(32);
  await test.restart(() => addMedium(test, secret));
  for (const node of ["n1", "n2"]) await test.client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  const [first, boot = ""] = await test.deploy(["n1", "n2"]);
  const { pin = "" } = parseToken(boot) ?? {};
  const { agent } = await test.enrol(first);
  using session = agent;
  using booting = await test.as(boot);
  using medium = await test.as(formatToken({ pin, secret }));
  const { server } = test.server.urls;
  const tokenOf = async (name: string) => (await test.client.call("POST /sites", { body: { name } })).token;
  using enrolling = await MadeRelay.open({ server, token: await tokenOf("rome") });
  using relay = await MadeRelay.enrol({ server, token: await tokenOf("paris") });
  const { token } = await test.client.call("POST /standbys", { body: { name: "b" } });
  using standby = await test.as(token);
  const enrolled = z.object({ secret: z.string() });
  standby.useSession((await standby.post("/standbys/enrol", { body: {}, schema: enrolled })).secret);
  const wrong: string[] = [];
  for (const [name, call] of Object.entries(CALLS) as [string, Call][]) {
    const { security } = api.operation(name);
    const client = security.some((s) => s.session)
      ? session
      : security.some((s) => s.boot)
      ? booting
      : security.some((s) => s.medium)
      ? medium
      : security.some((s) => s.relay)
      ? (name === "POST /relay/enrol" ? enrolling : relay).client
      : security.some((s) => s.standby)
      ? standby
      : test.client;
    const [method, pattern = ""] = name.split(" ");
    const path = pattern.replaceAll(PARAMETER, (_, parameter) => PATH[parameter] ?? "none");
    const { params, query, body } = call;
    const isJson = body !== undefined && !isMedia(body);
    const spies = [params, query, isJson ? body : undefined].filter((schema) => schema !== undefined)
      .map((schema) => spyOn(schema));
    if (spies.length === 0) continue;
    const status = await client.send(method as "GET", path, isJson ? { json: 0 } : { body: null as never })
      .then(
        ({ status }) => status,
        ({ status }: { status: number }) => status,
      );
    if (spies.some(({ uses }) => uses === 0)) wrong.push(`${name} does not parse what is documented`);
    if (isJson && status !== 400) wrong.push(`${name} answered ${status} to a body that is a number`);
    for (const spy of spies) spy[Symbol.dispose]();
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the document and its reader need no login, and the reader shows every call", async () => {
  await using test = await ServerUnderTest.start();
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const get = async (path: string) => {
    const response = await fetch(new URL(path, test.server.urls.server), { client });
    return { type: response.headers.get("content-type"), text: await response.text() };
  };
  const document = await get(`${API}/openapi.json`);
  assert.equal(document.type, "application/json");
  assert.deepEqual(JSON.parse(document.text), JSON.parse(JSON.stringify(apiDocument())));
  const reader = await get("/help/api-reference");
  const ids = [...document.text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  assert.deepEqual(ids.filter((id) => !reader.text.includes(`<div id="${id}">`)), []);
  const anchors = new Set([...reader.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const links = [...reader.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  assert.deepEqual(links.filter((link) => !anchors.has(link)), []);
});
