/** Every route of the API with every kind of credential: who is admitted, and who is not. */
import assert from "node:assert/strict";
import { z } from "zod";
import { API, DeployAnswer, NodeView } from "#contract/api.ts";
import { type Role, TokenAnswer, UserAnswer } from "#contract/api/access.ts";
import { AgentToken } from "#contract/api.ts";
import { CheckAnswer } from "#contract/api/checks.ts";
import { parseToken } from "#contract/token.ts";
import { apiDocument } from "../../server/web/openapi/document.ts";
import { ADMIN, OPERATE, ORDER, PEOPLE, TABLE, VIEW, WHO, type Who } from "./support/access_table.ts";
import { DocumentedApi } from "./support/documented_api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;

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
