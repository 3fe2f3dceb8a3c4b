import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { deliver } from "./deliver.ts";

const SECRET = `whsec_${Buffer.from("k".repeat(32)).toString("base64")}`;
const MESSAGE = { id: "msg_1", body: '{"type":"test"}' };

/** Delivers to a receiver that answers with `handler`. */
async function deliverTo(handler: (request: Request) => Response | Promise<Response>, attemptMs = 5000) {
  const ended = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {}, signal: ended.signal }, handler);
  try {
    const url = `http://127.0.0.1:${server.addr.port}/hook`;
    const { signal } = new AbortController();
    return await deliver(MESSAGE, { url, secret: SECRET, nowMs: 1_700_000_000_999, signal, attemptMs });
  } finally {
    ended.abort();
    await server.finished;
  }
}

Deno.test("a receiver can verify the message with the secret", async () => {
  let verified = false;
  const outcome = await deliverTo(async (request) => {
    const header = (name: string) => request.headers.get(`webhook-${name}`);
    const content = `${header("id")}.${header("timestamp")}.${await request.text()}`;
    const mac = createHmac("sha256", "k".repeat(32)).update(content).digest("base64");
    verified = header("signature") === `v1,${mac}` && header("timestamp") === "1700000000";
    return new Response(null, { status: 204 });
  });
  assert.deepEqual(outcome, { kind: "delivered" });
  assert.equal(verified, true);
});

Deno.test("a redirect is a refusal, and its target is never asked", async () => {
  let asked = 0;
  const outcome = await deliverTo((request) => {
    asked++;
    return Response.redirect(new URL("/elsewhere", request.url), 307);
  });
  assert.deepEqual(outcome, { kind: "failed", reason: "it answered 307" });
  assert.equal(asked, 1);
});

Deno.test("410 ends the attempts; of a refusal only printable text is kept", async () => {
  assert.equal((await deliverTo(() => new Response(null, { status: 410 }))).kind, "gone");
  assert.deepEqual(
    await deliverTo(() => new Response("no\n\u001b[2Jroom", { status: 503 })),
    { kind: "failed", reason: "it answered 503: no [2Jroom" },
  );
});

Deno.test("a receiver that answers for ever, or not at all, is left after the time limit or enough bytes", async () => {
  const forever = () => {
    const body = new ReadableStream({
      pull: (c) => c.enqueue(new TextEncoder().encode("x".repeat(100_000))),
    });
    return new Response(body, { status: 500 });
  };
  assert.deepEqual(await deliverTo(forever), {
    kind: "failed",
    reason: `it answered 500: ${"x".repeat(500)}`,
  });
  const stopped = Promise.withResolvers<Response>();
  const outcome = deliverTo(() => stopped.promise, 100);
  setTimeout(() => stopped.resolve(new Response()), 300);
  assert.deepEqual(await outcome, { kind: "failed", reason: "no complete answer for 0.1 s" });
});

Deno.test("a port that nobody listens on is a failure with its cause, which does not name the URL", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  const { signal } = new AbortController();
  const url = `http://127.0.0.1:${listener.addr.port}/T0K3N`;
  const outcome = await deliver(MESSAGE, { url, secret: SECRET, nowMs: 0, signal });
  assert.equal(outcome.kind, "failed");
  assert.match(JSON.stringify(outcome), /refused/);
  assert.doesNotMatch(JSON.stringify(outcome), /T0K3N/);
});
