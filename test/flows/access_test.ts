/** Every route of the API with every kind of credential: who is admitted, and who is not. */
import assert from "node:assert/strict";
import { API, NodeView } from "#contract/api.ts";
import { type Role, TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { AgentToken } from "#contract/api.ts";
import { parseToken } from "#contract/token.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { DocumentedApi } from "./support/documented_api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;

const WHO = [
  "none",
  "wrong",
  "viewer",
  "operator",
  "group",
  "admin",
  "owner",
  "boot",
  "session",
  "agent",
] as const;
type Who = typeof WHO[number];

/** Who is admitted; of the others, people are refused with 403, and everything else with 401. */
const VIEW: readonly Who[] = ["viewer", "operator", "group", "admin", "owner"];
const ORDER: readonly Who[] = ["operator", "group", "admin", "owner"];
const OPERATE: readonly Who[] = ["operator", "admin", "owner"];
const ADMIN: readonly Who[] = ["admin", "owner"];
const PEOPLE: readonly Who[] = VIEW;

interface Call {
  /** The path that is called, with who calls for "WHO"; by default the route's with "none" for every parameter. */
  readonly path?: string;
  readonly json?: unknown;
}
/** "owner" holds the admin token; "group" is an operator of rack1. Calls do no harm: they name what is not there. */
const TABLE: readonly (readonly [route: string, admitted: readonly Who[], call?: Call])[] = [
  ["POST /node/enrol", ["boot"], { json: {} }],
  ["POST /node/inventory", ["session"], { json: {} }],
  ["POST /node/report", ["session"], { json: {} }],
  ["POST /node/identity", ["session"], { json: {} }],
  ["POST /node/record", ["session"], { json: {} }],
  ["POST /node/backup", ["session"]],
  ["GET /node/backup/:capture", ["session"]],
  ["GET /node/torrent", ["session"]],
  ["POST /node/extents", ["session"], { json: {} }],
  ["GET /node/packs/:torrent/:file", ["session"]],

  ["GET /templates", VIEW],
  ["POST /templates", [...OPERATE, "agent"], { json: { name: "n1", lacks: [] } }],
  ["GET /templates/:id/orders", [...OPERATE, "agent"]],
  ["GET /templates/:id/boot/:file{vmlinuz|initramfs}", [...OPERATE, "agent"], {
    path: "/templates/none/boot/vmlinuz",
  }],
  ["POST /templates/:id/restart", [...OPERATE, "agent"], { json: {} }],

  ["GET /captures", VIEW],
  ["GET /captures/:id", VIEW],
  ["POST /captures", OPERATE, { json: {} }],
  ["DELETE /captures/:id", OPERATE],
  ["POST /captures/:id/known", OPERATE],
  ["POST /captures/:id/frames", OPERATE],
  ["POST /captures/:id/progress", OPERATE, { json: {} }],
  ["POST /captures/:id/entries/:part", OPERATE, { path: "/captures/none/entries/0" }],
  ["PUT /captures/:id/entries", OPERATE],
  ["POST /captures/:id/failed", OPERATE, { json: {} }],

  ["GET /images", VIEW],
  ["GET /images/:ref", VIEW],
  ["DELETE /images/:ref", ADMIN],
  ["POST /images/:ref/verify", OPERATE],
  ["GET /images/:ref/diff/:to", VIEW],
  ["POST /images/prune", ADMIN, { json: { keepLast: "x" } }],
  ["GET /images/:name/settings", VIEW],
  ["PUT /images/:name/settings", OPERATE, { json: {} }],
  ["GET /images/:ref/boot/:file", VIEW],
  ["GET /images/:ref/export", ADMIN],

  ["GET /nodes", VIEW],
  ["GET /nodes/:node", VIEW],
  ["PUT /nodes/:node", OPERATE, { path: "/nodes/n3", json: { group: "rack1" } }],
  ["PUT /nodes", OPERATE, { json: [] }],
  ["DELETE /nodes/:node", ADMIN],
  ["GET /machines", VIEW],
  ["POST /machines/adopt", OPERATE, { json: [] }],
  ["GET /nodes/:node/recovery-key", ADMIN],
  ["POST /nodes/:node/recovery-key", ADMIN, { json: {} }],
  ["GET /nodes/:node/hardware", VIEW],
  ["POST /nodes/:node/accept-hardware", OPERATE],
  ["POST /nodes/:node/cancel", ORDER, { path: "/nodes/n3/cancel" }],
  ["POST /nodes/:node/cancel", OPERATE, { path: "/nodes/other/cancel" }],
  ["POST /nodes/:node/cancel", OPERATE],
  ["GET /nodes/:node/plan", VIEW],
  ["GET /nodes/:node/log", VIEW],
  ["POST /nodes/:node/backup", ORDER, { path: "/nodes/n%33/backup", json: {} }],
  ["POST /nodes/:node/backup", OPERATE, { path: "/nodes/other/backup", json: {} }],
  ["POST /nodes/:node/boot-backup", ORDER, { path: "/nodes/n3/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/boot-backup", OPERATE, { path: "/nodes/other/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/agent", ADMIN, { path: "/nodes/n3/agent" }],
  ["GET /nodes/:node/check", VIEW, { path: "/nodes/n3/check" }],
  ["POST /checks", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /checks", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /checks", OPERATE, { json: {} }],
  ["GET /checks/:id/manifest", OPERATE],
  ["POST /checks/:id/progress", OPERATE, { json: {} }],
  ["PUT /checks/:id/result", OPERATE, { json: {} }],
  ["POST /checks/:id/failed", OPERATE, { json: {} }],
  ["POST /deployments", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["other"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3", "other"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3", "nobody"], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: [], image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: "n3", image: "none" } }],
  ["POST /deployments", OPERATE, { json: { nodes: ["n3"], image: "none", force: true } }],
  ["POST /discoveries", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /discoveries", OPERATE, { json: { nodes: ["nobody"], image: "none" } }],
  ["POST /restores", OPERATE, { json: { nodes: ["n3"], image: "none", force: true } }],
  ["POST /restores", ORDER, { json: { nodes: ["n3"], image: "none" } }],
  ["POST /restores", ORDER, { json: { nodes: ["n3"], image: "none", now: true } }],
  ["POST /restores", OPERATE, { json: { nodes: ["other"], image: "none" } }],
  ["GET /deployments", VIEW],
  ["GET /deployments/:id", VIEW],
  ["PUT /power", ADMIN, { json: [{ node: "nobody", power: null }] }],
  ["POST /power", ORDER, { json: { nodes: ["n3"], action: "status" } }],
  ["POST /power", OPERATE, { json: { nodes: ["other"], action: "on" } }],
  ["POST /power", OPERATE, { json: { nodes: ["n3", "other"], action: "off" } }],
  ["POST /power", OPERATE, { json: { nodes: [], action: "off" } }],

  ["GET /schedules", VIEW],
  ["GET /schedules/:schedule", VIEW],
  ["POST /schedules", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /schedules", ORDER, { json: { nodes: ["n[3]"] } }],
  ["POST /schedules", ORDER, { json: { nodes: ["@rack1"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["@rack1", "other"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["@nothing"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["n{3..2}"] } }],
  ["POST /schedules", OPERATE, { json: { nodes: ["n3"], order: { force: true } } }],
  ["POST /schedules/:schedule/pause", ORDER, { path: "/schedules/rack/pause" }],
  ["POST /schedules/:schedule/pause", OPERATE, { path: "/schedules/all/pause" }],
  ["POST /schedules/:schedule/pause", OPERATE],
  ["POST /schedules/:schedule/resume", ORDER, { path: "/schedules/rack/resume" }],
  ["POST /schedules/:schedule/resume", OPERATE],
  ["POST /schedules/:schedule/run", OPERATE],
  ["POST /schedules/:schedule/run", ORDER, { path: "/schedules/rack/run" }],
  ["DELETE /schedules/:schedule", OPERATE],
  ["DELETE /schedules/:schedule", ORDER, { path: "/schedules/rack-WHO" }],
  ["DELETE /schedules/:schedule", OPERATE, { path: "/schedules/all" }],

  ["GET /hooks", VIEW],
  ["GET /hooks/:scope/:when/:name", ADMIN],
  ["PUT /hooks/:scope/:when/:name", ADMIN, { json: {} }],
  ["DELETE /hooks/:scope/:when/:name", ADMIN],

  ["GET /swarm", VIEW],
  ["POST /swarm", ADMIN, { json: { uploadLimit: 1 } }],
  ["GET /notices", VIEW],
  ["POST /server/backup", ADMIN],
  ["GET /events", VIEW],
  ["GET /openapi.json", WHO],

  ["GET /webhooks", ADMIN],
  ["GET /webhooks/:webhook", ADMIN],
  ["PUT /webhooks/:webhook", ADMIN, { json: {} }],
  ["DELETE /webhooks/:webhook", ADMIN],
  ["POST /webhooks/:webhook/test", ADMIN],
  ["GET /mail", ADMIN],
  ["POST /mail/test", ADMIN],
  ["GET /webhook-failures", ADMIN],
  ["POST /webhook-failures/resend", ADMIN, { json: { ids: 1 } }],

  ["GET /me", VIEW],
  ["GET /users", ADMIN],
  ["POST /users", ADMIN, { json: {} }],
  ["GET /users/:user", ADMIN],
  ["PUT /users/:user", ADMIN, { json: {} }],
  ["DELETE /users/:user", ADMIN],
  ["GET /tokens", VIEW],
  ["POST /tokens", VIEW, { json: {} }],
  ["DELETE /tokens/:id", VIEW],
  ["GET /audit", ADMIN],
  ["GET /audit/export", ADMIN],
  // what expires must not be exchanged for what does not; the last one, since it ends the owner's token
  ["POST /tokens/rotate-admin", ["owner"], { json: {} }],
];

const api = new DocumentedApi(apiDocument());

Deno.test("the table has every route of the API's document, and no other", () => {
  const listed = new Set(TABLE.map(([route]) => route));
  assert.deepEqual([...listed].sort(), api.names.sort());
});

/** Who has the roles that the document's `security` names. */
const ROLES: Readonly<Record<string, readonly Who[]>> = {
  "viewer": VIEW,
  "group-operator": ORDER,
  "operator": OPERATE,
  "admin": ADMIN,
};

Deno.test("the document names the role that each route admits", () => {
  const wrong: string[] = [];
  for (const route of api.names) {
    const { security } = api.operation(route);
    const role = security.find((scheme) => scheme.token)?.token?.[0];
    const people = security.length === 0
      ? PEOPLE
      : role === undefined
      ? []
      : ROLES[role] ?? assert.fail(role);
    // other rows of the route name nodes of another group
    const rows = TABLE.filter(([name]) => name === route).map(([, admitted]) => admitted);
    const admitted = rows.reduce((most, row) => row.length > most.length ? row : most, []);
    const listed = admitted.filter((who) => PEOPLE.includes(who));
    const others = admitted.filter((who) =>
      ["boot", "session", "agent"].includes(who) && security.length > 0
    );
    const schemes = security.flatMap((scheme) => Object.keys(scheme));
    if (listed.join() !== people.join() && route !== "POST /tokens/rotate-admin") {
      wrong.push(`${route}: ${role}`);
    }
    wrong.push(...others.filter((who) => !schemes.includes(who)).map((who) => `${route}: ${who}`));
  }
  assert.deepEqual(wrong, []);
});

Deno.test("each route admits exactly those that the table names, and answers as documented", async () => {
  await using test = await ServerUnderTest.start();
  const secrets = await credentials(test);
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const wrong: string[] = [];
  for (const [route, admitted, { path, json } = {}] of TABLE) {
    const [method = "", pattern = ""] = route.split(" ");
    const called = path ?? pattern.replaceAll(/:\w+/g, "none");
    for (const who of WHO) {
      const secret = secrets.get(who);
      const response = await fetch(`${test.server.urls.server}${API}${called.replace("WHO", who)}`, {
        client,
        method,
        headers: {
          ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
          ...(json !== undefined && { "content-type": "application/json" }),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
      const isForPeople = api.operation(route).security.some(({ token }) => token);
      const expected = admitted.includes(who) ? "admitted" : isForPeople && PEOPLE.includes(who) ? 403 : 401;
      const { status } = response;
      const complaint = await api.complaint(route, response);
      if (complaint !== undefined) wrong.push(`${who}: ${complaint}`);
      if (!response.bodyUsed) await response.body?.cancel();
      const got = [401, 403].includes(status) ? status : status < 500 ? "admitted" : status;
      if (got !== expected) wrong.push(`${who}: ${route} (${called}) answered ${status}, not ${expected}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("a path that is no route is unknown to people only, and HEAD needs what GET needs", async () => {
  await using test = await ServerUnderTest.start();
  const secrets = await credentials(test);
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const status = async (method: string, path: string, who: Who) => {
    const headers = { authorization: `Bearer ${secrets.get(who)}` };
    const response = await fetch(`${test.server.urls.server}${API}${path}`, { client, method, headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.deepEqual([await status("GET", "/nothing", "wrong"), await status("GET", "/nothing", "viewer")], [
    401,
    404,
  ]);
  assert.deepEqual([await status("HEAD", "/users", "viewer"), await status("HEAD", "/users", "admin")], [
    403,
    200,
  ]);
  assert.equal(await status("PATCH", "/nodes/n1", "viewer"), 404);
});

Deno.test("only an admin learns a node's boot token, which opens the image's key", async () => {
  await using test = await ServerUnderTest.start();
  const secrets = await credentials(test);
  using operator = await test.as(test.server.token.replace(/[\w-]+$/, secrets.get("operator") ?? ""));
  const json = { nodes: ["n3"], image: "web" };
  const answer = await (await operator.send("POST", "/deployments", { json })).json();
  assert.deepEqual(answer.nodes.map((node: object) => "token" in node), [false]);
  await operator.send("POST", "/nodes/n3/cancel");
  const full = await (await test.client.send("POST", "/deployments", { json })).json();
  assert.match(full.nodes[0].token, /^rs1\./);
});

/** The secret of each kind; n1 is being installed, n2 is armed, n3 is idle in rack1, "other" is idle in no group. */
async function credentials(test: ServerUnderTest): Promise<Map<Who, string>> {
  const { client } = test;
  await test.publish("web", { root: SOURCES });
  for (const node of ["n1", "n2", "n3", "other"]) {
    const body = node === "other" ? {} : { group: "rack1" };
    await client.put(`/nodes/${node}`, { body, schema: NodeView });
  }
  const own = ORDER.map((who) => [`rack-${who}`, ["@rack1"]] as const);
  for (const [name, nodes] of [["rack", ["@rack1"]], ["all", ["n3", "other"]], ...own] as const) {
    const json = { name, nodes, cron: "0 0 1 1 *", order: { work: "restore", image: "web" } };
    await client.send("POST", "/schedules", { json });
  }
  const [first = "", boot = ""] = await test.deploy(["n1", "n2"]);
  const { agent, order } = await test.enrol(first);
  agent[Symbol.dispose]();
  const { token } = await client.post("/nodes/n1/agent", { body: {}, schema: AgentToken });
  const secretOf = (text: string) => parseToken(text)?.secret ?? assert.fail(text);
  const personal = async (name: string, role: Role, groups?: string[]) => {
    const body = { name, role, ...(groups && { groups }) };
    await client.post("/users", { body, schema: UserAnswer });
    const request = { user: name, name: "test", role, days: 1 };
    return secretOf((await client.post("/tokens", { body: request, schema: TokenAnswer })).token);
  };
  return new Map<Who, string>([
    ["wrong", "x".repeat(43)],
    ["viewer", await personal("vera", "viewer")],
    ["operator", await personal("olga", "operator")],
    ["group", await personal("greta", "operator", ["rack1"])],
    ["admin", await personal("anna", "admin")],
    ["owner", secretOf(test.server.token)],
    ["boot", secretOf(boot)],
    ["session", order.session],
    ["agent", secretOf(token)],
  ]);
}
