/** Every route of the API with every kind of credential: who is admitted, and who is not. */
import assert from "node:assert/strict";
import { z } from "zod";
import { API, DeployAnswer, NodeView } from "#contract/api.ts";
import { type Role, TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { AgentToken } from "#contract/api.ts";
import { CheckAnswer } from "#contract/api/checks.ts";
import { parseToken } from "#contract/token.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { DocumentedApi } from "./support/documented_api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;

const WHO = [
  "none",
  "wrong",
  "revoked",
  "metrics",
  "viewer",
  "operator",
  "group",
  "admin",
  "owner",
  "boot",
  "session",
  "ended",
  "agent",
] as const;
type Who = typeof WHO[number];

/** Who is admitted; of the others, people are refused with 403, and everything else with 401. */
const VIEW: readonly Who[] = ["viewer", "operator", "group", "admin", "owner"];
const ORDER: readonly Who[] = ["operator", "group", "admin", "owner"];
const OPERATE: readonly Who[] = ["operator", "admin", "owner"];
const ADMIN: readonly Who[] = ["admin", "owner"];
const PEOPLE: readonly Who[] = VIEW;

type Row = readonly [route: string, admitted: readonly Who[], call?: Call];

interface Call {
  /** By default the route's with "none" for every parameter. "{who}" and what `sitesOf` names are filled in. */
  readonly path?: string;
  readonly json?: unknown;
}
/**
 * "owner" holds the admin token; "group" is an operator of rack1; "agent" runs on n4. "revoked" was an admin's token,
 * "ended" is of an order before the present one, "metrics" opens /metrics. Calls do no harm: they name what is not there,
 * or send a body that is refused.
 */
const TABLE: readonly Row[] = [
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
  ["POST /templates", [...OPERATE, "agent"], { json: { name: "n4", lacks: [] } }],
  ["GET /templates/:id/orders", [...OPERATE, "agent"]],
  ["GET /templates/:id/boot/:file{vmlinuz|initramfs}", [...OPERATE, "agent"], {
    path: "/templates/none/boot/vmlinuz",
  }],
  ["POST /templates/:id/restart", [...OPERATE, "agent"], { json: {} }],
  ["POST /templates/:id/restart", [...OPERATE, "agent"], { path: "/templates/{template}/restart", json: {} }],
  // no agent may call for another template
  ["GET /templates/:id/boot/:file{vmlinuz|initramfs}", OPERATE, {
    path: "/templates/{otherTemplate}/boot/vmlinuz",
  }],
  ["POST /templates/:id/restart", OPERATE, { path: "/templates/{otherTemplate}/restart", json: {} }],

  ["GET /captures", VIEW],
  ["GET /captures/:id", VIEW],
  ["POST /captures", OPERATE, { json: {} }],
  ["DELETE /captures/:id", OPERATE],
  ...ofAgent("captures", [
    ["POST", "known"],
    ["POST", "frames"],
    ["POST", "progress", { json: {} }],
    ["POST", "entries/:part"],
    ["PUT", "entries", { json: 0 }],
    ["POST", "failed", { json: {} }],
  ]),

  ["GET /images", VIEW],
  ["GET /images/:ref", VIEW],
  ["DELETE /images/:ref", ADMIN],
  ["GET /images/:ref/uses", VIEW],
  ["PUT /images/:ref/note", OPERATE, { json: {} }],
  ["PUT /images/:name/tags/:tag", OPERATE, { json: {} }],
  ["DELETE /images/:name/tags/:tag", OPERATE],
  ["POST /images/:ref/verify", OPERATE],
  ["GET /images/:ref/diff/:to", VIEW],
  ["GET /images/:ref/diff/:to/folder", VIEW],
  ["GET /images/:ref/diff/:to/text", ADMIN],
  ["GET /images/:ref/files", VIEW],
  ["GET /images/:ref/find", VIEW],
  ["GET /images/:ref/file", VIEW],
  ["GET /images/:ref/content", ADMIN],
  ["POST /images/prune", ADMIN, { json: { keepLast: "x" } }],
  ["GET /images/:name/settings", VIEW],
  ["PUT /images/:name/settings", OPERATE, { json: {} }],
  ["GET /images/:ref/boot/:file", VIEW],
  ["POST /images/:ref/rehearsals", OPERATE, { json: {} }],
  ["GET /images/:ref/rehearsals", VIEW],
  ["GET /rehearsals", VIEW],
  ["GET /rehearsals/:id", VIEW],
  ["POST /rehearsals/:id/cancel", OPERATE],
  ["GET /rehearsals/:id/console", VIEW],
  ["GET /rehearsals/:id/screenshot", VIEW],
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
  ["GET /nodes/:node/console", VIEW],
  ["GET /nodes/:node/history", VIEW],
  ["POST /nodes/:node/backup", ORDER, { path: "/nodes/n%33/backup", json: {} }],
  ["POST /nodes/:node/backup", OPERATE, { path: "/nodes/other/backup", json: {} }],
  ["POST /nodes/:node/boot-backup", ORDER, { path: "/nodes/n3/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/boot-backup", OPERATE, { path: "/nodes/other/boot-backup", json: { image: "none" } }],
  ["POST /nodes/:node/agent", ADMIN, { path: "/nodes/n3/agent" }],
  ["GET /nodes/:node/check", VIEW, { path: "/nodes/n3/check" }],
  ["POST /checks", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /checks", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /checks", OPERATE, { json: {} }],
  ...ofAgent("checks", [
    ["GET", "manifest"],
    ["POST", "progress", { json: {} }],
    ["PUT", "result", { json: {} }],
    ["POST", "failed", { json: {} }],
  ]),
  ["POST /reviews", VIEW, { json: { kind: "deployment", nodes: ["n3"], image: "none" } }],
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
  ["GET /deployments/:id/progress", VIEW],
  ["GET /deployments/:id/swarm", VIEW],
  ["GET /deployments/:id/comparison", VIEW],
  ["POST /deployments/:id/cancel", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /deployments/:id/cancel", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /deployments/:id/cancel", OPERATE, { json: {} }],
  ["POST /deployments/:id/retry", ORDER, { json: { nodes: ["n3"] } }],
  ["POST /deployments/:id/retry", OPERATE, { json: { nodes: ["n3", "other"] } }],
  ["POST /deployments/:id/retry", OPERATE, { json: {} }],
  // without nodes in the body, all of the deployment's count
  ["POST /deployments/:id/pause", ORDER, { path: "/deployments/{deployment}/pause" }],
  ["POST /deployments/:id/pause", OPERATE, { path: "/deployments/{foreignDeployment}/pause" }],
  ["POST /deployments/:id/pause", OPERATE],
  ["POST /deployments/:id/resume", ORDER, { path: "/deployments/{deployment}/resume" }],
  ["POST /deployments/:id/resume", OPERATE, { path: "/deployments/{foreignDeployment}/resume" }],
  ["POST /deployments/:id/resume", OPERATE],
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
  // a paused schedule begins no run
  ["POST /schedules/:schedule/run", ORDER, { path: "/schedules/rack/run" }],
  ["POST /schedules/:schedule/run", OPERATE, { path: "/schedules/all/run" }],
  ["POST /schedules/:schedule/run", OPERATE],
  ["POST /schedules/:schedule/resume", ORDER, { path: "/schedules/rack/resume" }],
  ["POST /schedules/:schedule/resume", OPERATE, { path: "/schedules/all/resume" }],
  ["POST /schedules/:schedule/resume", OPERATE],
  ["DELETE /schedules/:schedule", ORDER, { path: "/schedules/rack-of-{who}" }],
  ["DELETE /schedules/:schedule", OPERATE, { path: "/schedules/all-of-{who}" }],
  ["DELETE /schedules/:schedule", OPERATE],

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

/** What agents call about their own captures or checks. None may call about another node's, or one that is not there. */
function ofAgent(
  what: "captures" | "checks",
  calls: readonly (readonly [method: string, part: string, call?: Call])[],
): Row[] {
  const [own, other] = what === "captures" ? ["{capture}", "{otherCapture}"] : ["{check}", "{otherCheck}"];
  return calls.flatMap(([method, part, call]) => {
    const row = (id: string, admitted: readonly Who[]): Row => {
      const path = `/${what}/${id}/${part.replace(":part", "0")}`;
      return [`${method} /${what}/:id/${part}`, admitted, { ...call, path }];
    };
    return [row(own, [...OPERATE, "agent"]), row(other, OPERATE), row("none", OPERATE)];
  });
}

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
    const admitted = WHO.filter((who) => rows.some((row) => row.includes(who)));
    const listed = admitted.filter((who) => PEOPLE.includes(who));
    if (listed.join() !== people.join() && route !== "POST /tokens/rotate-admin") {
      wrong.push(`${route}: ${role}`);
    }
    if (security.length === 0) continue;
    const schemes = security.flatMap((scheme) => Object.keys(scheme));
    const machines = ["boot", "session", "agent"] as const;
    wrong.push(
      ...machines.filter((who) => admitted.includes(who) !== schemes.includes(who)).map((who) =>
        `${route}: ${who}`
      ),
    );
    if (role === "group-operator" && rows.every((row) => row.includes("group"))) {
      wrong.push(`${route}: no row has nodes of another group`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("each route admits exactly those that the table names, and answers as documented", async () => {
  await using test = await ServerUnderTest.start();
  const secrets = await credentials(test), sites = await sitesOf(test);
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${test.data}/tls/ca.pem`)] });
  const wrong: string[] = [];
  for (const [route, admitted, { path, json } = {}] of TABLE) {
    const [method = "", pattern = ""] = route.split(" ");
    for (const who of WHO) {
      const called = path === undefined
        ? pattern.replaceAll(/:\w+/g, "none")
        : filled(path, { ...sites, who });
      const secret = secrets.get(who);
      const response = await fetch(`${test.server.urls.server}${API}${called}`, {
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

/**
 * The secret of each kind. n1 is being installed, n2 is armed, n3 is idle in rack1, n4 and n5 are installed, n6
 * has its second order, "other" is idle in no group.
 */
async function credentials(test: ServerUnderTest): Promise<Map<Who, string>> {
  const { client } = test;
  await test.publish("web", { root: SOURCES });
  for (const node of ["n1", "n2", "n3", "n4", "n5", "n6", "other"]) {
    const body = node === "other" ? {} : { group: "rack1" };
    await client.put(`/nodes/${node}`, { body, schema: NodeView });
  }
  const [boot1, boot = "", boot4, boot5, boot6] = await test.deploy(["n1", "n2", "n4", "n5", "n6"]);
  const finish = { step: "finish", state: "done", elapsedMs: 1 };
  for (const token of [boot4, boot5]) {
    using agent = (await test.enrol(token)).agent;
    await agent.send("POST", "/node/report", { json: finish });
  }
  const [running, ended] = [await test.enrol(boot1), await test.enrol(boot6)];
  for (const { agent } of [running, ended]) agent[Symbol.dispose]();
  await client.send("POST", "/nodes/n6/cancel");
  await test.deploy(["n6"]);
  const { token } = await client.post("/nodes/n4/agent", { body: {}, schema: AgentToken });
  const secretOf = (text: string) => parseToken(text)?.secret ?? assert.fail(text);
  const tokenOf = async (name: string, role: Role, groups?: string[]) => {
    const body = { name, role, ...(groups && { groups }) };
    await client.post("/users", { body, schema: UserAnswer });
    const request = { user: name, name: "test", role, days: 1 };
    return await client.post("/tokens", { body: request, schema: TokenAnswer });
  };
  const personal = async (...user: Parameters<typeof tokenOf>) => secretOf((await tokenOf(...user)).token);
  const revoked = await tokenOf("rita", "admin");
  await client.send("DELETE", `/tokens/${revoked.view.id}`);
  return new Map<Who, string>([
    ["wrong", "x".repeat(43)],
    ["revoked", secretOf(revoked.token)],
    ["metrics", (await Deno.readTextFile(`${test.data}/metrics-token`)).trim()],
    ["viewer", await personal("vera", "viewer")],
    ["operator", await personal("olga", "operator")],
    ["group", await personal("greta", "operator", ["rack1"])],
    ["admin", await personal("anna", "admin")],
    ["owner", secretOf(test.server.token)],
    ["boot", secretOf(boot)],
    ["session", running.order.session],
    ["ended", ended.order.session],
    ["agent", secretOf(token)],
  ]);
}

function filled(path: string, values: Readonly<Record<string, string>>): string {
  return path.replaceAll(/{(\w+)}/g, (_, name: string) => values[name] ?? assert.fail(name));
}

/** Ids that the table's paths name: what n4 and another node have under way. Makes the schedules, too. */
async function sitesOf({ client }: ServerUnderTest): Promise<Readonly<Record<string, string>>> {
  const everybodys = WHO.flatMap((
    who,
  ) => [[`rack-of-${who}`, ["@rack1"]], [`all-of-${who}`, ["n3", "other"]]]);
  for (const [name, nodes] of [["rack", ["@rack1"]], ["all", ["n3", "other"]], ...everybodys]) {
    const json = { name, nodes, cron: "0 0 1 1 *", order: { work: "restore", image: "web" } };
    await client.send("POST", "/schedules", { json });
  }
  const id = async (path: string, body: object) =>
    (await client.post(path, { body, schema: z.object({ id: z.string() }) })).id;
  const template = await id("/templates", { name: "n4", lacks: [] });
  const otherTemplate = await id("/templates", { name: "n5", lacks: [] });
  const nodes = ["n4", "n5"];
  const { ordered } = await client.post("/checks", { body: { nodes }, schema: CheckAnswer });
  const [check = "", otherCheck = ""] = nodes.map((name) => ordered.find(({ node }) => node === name)?.check);
  const capture = await id("/nodes/n4/backup", {}), otherCapture = await id("/nodes/n5/backup", {});
  const armed = async (name: string, settings: object) => {
    await client.put(`/nodes/${name}`, { body: settings, schema: NodeView });
    const body = { nodes: [name], image: "web" };
    return (await client.post("/deployments", { body, schema: DeployAnswer })).deployment;
  };
  const deployment = await armed("n7", { group: "rack1" }), foreignDeployment = await armed("foreign", {});
  return {
    template,
    otherTemplate,
    check,
    otherCheck,
    capture,
    otherCapture,
    deployment,
    foreignDeployment,
  };
}
