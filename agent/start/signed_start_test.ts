import assert from "node:assert/strict";
import { formatToken } from "#contract/token.ts";
import { tokenAt } from "./signed_start.ts";

const pin = "p".repeat(43), secret = "s".repeat(32);

Deno.test("a signed image takes a token of the server that signed it, and no other", async () => {
  const answers: Record<string, () => Response> = {
    good: () => new Response(`${formatToken({ pin, secret })}\n`),
    other: () => new Response(formatToken({ pin: "q".repeat(43), secret })),
    none: () => new Response(null, { status: 404 }),
    broken: () => new Response(null, { status: 500 }),
    text: () => new Response("<html>"),
    long: () => new Response("x".repeat(100_000)),
    moved: () => Response.redirect("http://127.0.0.1:9/"),
  };
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => answers[new URL(request.url).pathname.slice(1)]?.() ?? new Response(null, { status: 404 }),
  );
  const { signal } = new AbortController();
  const ask = (name: string) => tokenAt(`http://127.0.0.1:${server.addr.port}/${name}`, { pin, signal });
  assert.deepEqual(await ask("good"), { token: formatToken({ pin, secret }) });
  const reasons = {
    other: /another server/,
    none: /no order/,
    broken: /HTTP 500/,
    text: /no token/,
    long: /too long/,
    moved: /redirect/i,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    const answer = await ask(name);
    assert.match("reason" in answer ? answer.reason : "it was taken", reason, name);
  }
});
