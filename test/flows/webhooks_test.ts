/** A server tells a receiver what happened, keeps what it cannot deliver, and gives it out again. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { z } from "zod";
import { NodeView, ReportAnswer } from "#contract/api.ts";
import {
  FailedDelivery,
  NewWebhook,
  ResendAnswer,
  WebhookTest,
  WebhookView,
} from "#contract/api/webhooks.ts";
import { waitFor } from "../support/wait_for.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;

/** A receiver that keeps what it gets, and answers with `status`. */
class Receiver implements AsyncDisposable {
  status = 204;
  readonly got: { readonly id: string; readonly type: string; readonly data: Record<string, unknown> }[] = [];
  secret = "";
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const body = await request.text();
    const header = (name: string) => request.headers.get(`webhook-${name}`) ?? "";
    const key = Buffer.from(this.secret.replace("whsec_", ""), "base64");
    const mac = createHmac("sha256", key).update(`${header("id")}.${header("timestamp")}.${body}`).digest(
      "base64",
    );
    if (header("signature") !== `v1,${mac}`) return new Response(null, { status: 401 });
    const { type, data } = JSON.parse(body);
    this.got.push({ id: header("id"), type, data });
    return new Response(null, { status: this.status });
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

Deno.test("a receiver learns of a capture and of a failed node, with a signature; what it refuses is kept", async () => {
  await using receiver = new Receiver();
  await using test = await ServerUnderTest.start();
  const body = { url: receiver.url };
  const added = await test.client.put("/webhooks/chat", { body, schema: NewWebhook });
  receiver.secret = added.secret;
  assert.match(added.secret, /^whsec_/);
  const [listed] = await test.client.get("/webhooks", z.array(z.unknown()));
  assert.equal(JSON.stringify(listed).includes(added.secret), false);
  const tried = await test.client.post("/webhooks/chat/test", { body: {}, schema: WebhookTest });
  assert.deepEqual(tried, { delivered: true });

  await test.publish("web", { root: SOURCES });
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
  const [token] = await test.deploy(["n1"]);
  const { agent } = await test.enrol(token);
  using _agent = agent;
  await waitFor(
    "the capture's news",
    () => receiver.got.some(({ type }) => type === "capture.done") || undefined,
  );
  receiver.status = 410;
  const failed = { step: "plan", state: "failed", elapsedMs: 1 };
  await agent.post("/node/report", { body: failed, schema: ReportAnswer });
  const failures = () => test.client.get("/webhook-failures", z.array(FailedDelivery));
  await waitFor("two refused messages", async () => (await failures()).length === 2 || undefined);
  assert.deepEqual((await failures()).map(({ event, reason }) => [event, reason]), [
    ["node.failed", "it answered 410"],
    ["deployment.failed", "it answered 410"],
  ]);

  await test.restart();
  receiver.status = 204;
  receiver.got.length = 0;
  const resent = await test.client.post("/webhook-failures/resend", { body: {}, schema: ResendAnswer });
  assert.equal(resent.resent, 2);
  await waitFor("both messages", () => receiver.got.length === 2 || undefined);
  assert.deepEqual(receiver.got.map(({ type, data }) => [type, data.node ?? data.failed]), [
    ["node.failed", "n1"],
    ["deployment.failed", ["n1"]],
  ]);
  assert.deepEqual((await test.client.get("/webhooks", z.array(WebhookView)))[0]?.failed, 0);
});

Deno.test("webhooks are the operator's, and a bad address is refused", async () => {
  await using test = await ServerUnderTest.start();
  using stranger = await test.as(test.server.token.replace(/.{43}$/, "x".repeat(43)));
  await assert.rejects(stranger.send("GET", "/webhooks"), { status: 401 });
  await assert.rejects(stranger.send("GET", "/webhook-failures"), { status: 401 });
  for (const url of ["file:///etc/shadow", "nonsense", "ftp://x.example/"]) {
    await assert.rejects(test.client.send("PUT", "/webhooks/a", { json: { url } }), { status: 400 });
  }
  await assert.rejects(test.client.send("DELETE", "/webhooks/a"), { status: 404 });
});
