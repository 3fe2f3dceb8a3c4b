/** Traces as a collector receives them from a complete server. */
import assert from "node:assert/strict";
import { AgentToken, NodeView, type StepReport } from "#contract/api.ts";
import { parseToken } from "#contract/token.ts";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { Product } from "./support/product.ts";
import { publishTree } from "./support/publish_tree.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { TraceReceiver } from "./support/trace_receiver.ts";

const SOURCES = new URL("../../server/words", import.meta.url).pathname;
const NODES = ["n1", "n2", "n3"];
const PROBLEM = { title: "cannot format /dev/vda", status: 500, detail: "no.", remedy: "try again." };

const secondsOf = (span: { startTimeUnixNano: string; endTimeUnixNano: string }) =>
  Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e9;

Deno.test("a deployment is one trace of its nodes and their steps, also over a restart of the server", async () => {
  await using collector = new TraceReceiver();
  await using test = await ServerUnderTest.start({ settings: { traceEndpoint: collector.url } });
  await test.publish("web", { root: SOURCES });
  for (const node of NODES) await test.client.put(`/nodes/${node}`, { body: {}, schema: NodeView });
  const secrets = [
    test.server.token,
    (await test.client.post("/nodes/n1/agent", {
      body: {},
      schema: AgentToken,
    })).token,
  ];

  const tokens = await test.deploy(NODES);
  const enrolled = await Promise.all(tokens.slice(0, 2).map((token) => test.enrol(token)));
  const report = async (i: number, json: StepReport) => {
    using agent = await test.as(tokens[i] ?? "");
    agent.useSession(enrolled[i]?.order.session ?? "");
    await agent.send("POST", "/node/report", { json });
  };
  for (const { agent } of enrolled) agent[Symbol.dispose]();
  await report(0, { step: "plan", state: "running", elapsedMs: 1 });
  await report(0, { step: "plan", state: "done", elapsedMs: 2000, plan: ["wipe /dev/vda"] });
  await test.restart();
  await report(0, { step: "finish", state: "done", elapsedMs: 100 });
  await report(1, { step: "format", state: "failed", elapsedMs: 500, problem: PROBLEM, log: ["it broke"] });
  // armed, and cancelled before it began: no work was done
  await test.client.send("POST", "/nodes/n3/cancel");
  await test.restart();

  const [capture, deployment, ...others] = collector.below(undefined);
  assert.deepEqual([capture?.name, deployment?.name, others], ["capture", "deployment", []]);
  const nodes = collector.below(deployment);
  assert.deepEqual(
    nodes.map(({ name, attributes, status }) => [
      name,
      attributes["rackseed.node"],
      attributes["rackseed.state"],
      status.message ?? "",
    ]).sort(),
    [["deploy", "n1", "installed", ""], ["deploy", "n2", "failed", PROBLEM.title]],
  );
  const stepsOf = (node: string) =>
    collector.below(nodes.find(({ attributes }) => attributes["rackseed.node"] === node))
      .map((step) => [step.name, secondsOf(step), step.status.code]);
  assert.deepEqual(stepsOf("n1"), [["finish", 0.1, 0], ["plan", 2, 0]]);
  assert.deepEqual(stepsOf("n2"), [["format", 0.5, 2]]);
  assert.equal(deployment?.attributes["rackseed.image"], "web@1");
  assert.equal(deployment?.status.message, "1 of 2 nodes failed");
  assert.equal(collector.resource["service.name"], "rackseed");

  secrets.push(...tokens, ...enrolled.map(({ order }) => order.session));
  const leaked = secrets.map((text) => parseToken(text)?.secret ?? text).filter((secret) =>
    collector.text.includes(secret)
  );
  assert.deepEqual(leaked, []);
  assert.doesNotMatch(collector.text, /it broke|wipe/);
});

Deno.test("the product sends a capture over TLS, with headers and attributes from its environment", async () => {
  await using product = await Product.prepare();
  const { folder } = product;
  const certificate = await issueServerCertificate(await openAuthority(folder), ["127.0.0.1"]);
  await using collector = new TraceReceiver(certificate);
  await product.startServer(["--trace-endpoint", collector.url.href], {
    OTEL_EXPORTER_OTLP_CERTIFICATE: `${folder}/tls/ca.pem`,
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20of-collector",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=lab",
  });
  await publishTree(product.client, { image: "web", root: SOURCES });
  await product.killServer("SIGTERM");

  const [capture, ...others] = collector.below(undefined);
  assert.deepEqual([capture?.name, capture?.attributes["rackseed.state"], others], [
    "capture",
    "published",
    [],
  ]);
  const parts = collector.below(capture);
  assert.deepEqual(parts.map(({ name }) => name), ["publish", "receive"]);
  const sum = parts.reduce((seconds, part) => seconds + secondsOf(part), 0);
  assert.ok(Math.abs(sum - secondsOf(capture ?? assert.fail())) < 0.01, "the parts are the whole");
  assert.match(collector.text, /"authorization","Bearer of-collector"/);
  assert.equal(collector.resource["deployment.environment.name"], "lab");
});

Deno.test("a collector that is away neither stops the server nor keeps it from closing", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const traceEndpoint = new URL(`http://127.0.0.1:${gone.addr.port}`);
  gone.close();
  const test = await ServerUnderTest.start({ settings: { traceEndpoint } });
  await test.publish("web", { root: SOURCES });
  const closing = performance.now();
  await test[Symbol.asyncDispose]();
  assert.ok(performance.now() - closing < 15_000);
});
