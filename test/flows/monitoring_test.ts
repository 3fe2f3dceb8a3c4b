/** What monitoring sees of a complete server: who may ask, and that the figures follow what happens. */
import assert from "node:assert/strict";
import { NodeView, ReportAnswer } from "#contract/api.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { startServer } from "../../server/server.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;

async function ask(server: string, path: string, { data, token }: { data: string; token?: string }) {
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${data}/tls/ca.pem`)] });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${server}${path}`, { client, headers });
  return { status: response.status, text: await response.text() };
}

Deno.test("health needs no token and tells no more than which part is missing", async () => {
  await using test = await ServerUnderTest.start();
  const get = (path: string) => ask(test.server.urls.server, path, test);
  assert.deepEqual(await get("/healthz"), { status: 200, text: "ok\n" });
  assert.deepEqual(await get("/readyz"), { status: 200, text: "ready\n" });
  await Deno.rename(`${test.data}/packs`, `${test.data}/elsewhere`);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.deepEqual(await get("/readyz"), { status: 503, text: "not ready: pack store\n" });
  assert.equal((await get("/healthz")).status, 200);
  await Deno.rename(`${test.data}/elsewhere`, `${test.data}/packs`);
});

Deno.test("metrics are for the metrics token and the operator, and that token opens nothing else", async () => {
  await using test = await ServerUnderTest.start();
  const path = `${test.data}/metrics-token`;
  const token = (await Deno.readTextFile(path)).trim();
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const get = (path: string, token?: string) =>
    ask(test.server.urls.server, path, { data: test.data, ...(token !== undefined && { token }) });
  assert.equal((await get("/metrics")).status, 401);
  assert.equal((await get("/metrics", "x".repeat(43))).status, 401);
  assert.match((await get("/metrics", token)).text, /^rackseed_build_info\{version="[\d.]+"\} 1$/m);
  assert.equal((await get("/metrics", test.server.token)).status, 200);
  assert.equal((await get("/api/v1/nodes", token)).status, 401);
  await test.restart();
  assert.equal((await get("/metrics", token)).status, 200, "after a restart");
});

Deno.test("with --metrics-open anyone may read them", async () => {
  await using test = await ServerUnderTest.start();
  const data = `${test.folder}/open`;
  const options: ServerOptions = { ...test.options(), data, metricsOpen: true };
  const server = await startServer(options, { signal: new AbortController().signal });
  try {
    assert.equal((await ask(server.urls.server, "/metrics", { data })).status, 200);
    assert.equal((await ask(server.urls.server, "/api/v1/nodes", { data })).status, 401);
  } finally {
    await server.close();
  }
});

Deno.test("the figures follow a capture and a failed installation, and name no node", async () => {
  await using test = await ServerUnderTest.start();
  const series = async (name: string) => {
    const { text } = await ask(test.server.urls.server, "/metrics", {
      data: test.data,
      token: test.server.token,
    });
    assert.doesNotMatch(text, /secret-name/);
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  };
  await test.publish("web", { root: SOURCES });
  assert.equal(await series('rackseed_captures_total{outcome="published"}'), 1);
  assert.equal(await series("rackseed_image_versions"), 1);
  assert.ok((await series("rackseed_pack_bytes") ?? 0) > 0);
  await test.client.put("/nodes/secret-name", { body: {}, schema: NodeView });
  const [token] = await test.deploy(["secret-name"]);
  assert.equal(await series('rackseed_nodes{state="armed"}'), 1);
  assert.equal(await series('rackseed_deployments{state="armed"}'), 1);
  const { agent } = await test.enrol(token);
  using _agent = agent;
  await agent.post("/node/report", {
    body: { step: "plan", state: "failed", elapsedMs: 1500 },
    schema: ReportAnswer,
  });
  assert.equal(await series('rackseed_installations_total{kind="deploy",outcome="failed"}'), 1);
  assert.equal(await series('rackseed_step_duration_seconds_sum{step="plan",outcome="failed"}'), 1.5);
  assert.equal(await series('rackseed_deployments{state="failed"}'), 1);
  assert.equal(await series('rackseed_nodes{state="failed"}'), 1);
});
