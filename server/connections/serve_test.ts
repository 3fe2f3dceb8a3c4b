import assert from "node:assert/strict";
import { chunked, exchange, statusOf } from "../../test/support/raw_http.ts";
import { waitFor } from "../../test/support/wait_for.ts";
import type { Handler } from "./guard.ts";
import type { ConnectionLimits } from "./limits.ts";
import { ConnectionReaper } from "./reaper.ts";
import { HttpService } from "./serve.ts";
import { OwnSockets } from "./sockets.ts";

async function withService(
  handler: Handler,
  work: (service: HttpService, reaper: ConnectionReaper) => Promise<void>,
  limits: Partial<ConnectionLimits> = {},
): Promise<void> {
  using reaper = new ConnectionReaper({ descriptors: 4096, limits });
  await using service = new HttpService({ hostname: "127.0.0.1", port: 0 }, {
    name: "test",
    handler,
    reaper,
  });
  await work(service, reaper);
}

const hello: Handler = () => new Response("hello\n");
/** Slows a handler or a client down. No test uses it to wait for an event. */
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("a connection with half a request, or none, is closed when its time is up", () =>
  withService(hello, async ({ port }) => {
    for (const begun of ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"]) {
      const { closed, answer } = await exchange({ port }, { parts: [begun] });
      assert.deepEqual({ closed, answer }, { closed: true, answer: "" }, begun);
    }
  }, { firstRequestMs: 300 }));

Deno.test("an endless header is cut off", () =>
  withService(hello, async ({ port }) => {
    function* endless() {
      yield "GET / HTTP/1.1\r\nHost: x\r\nA: ";
      for (let i = 0; i < 300; i++) yield "a".repeat(1000);
    }
    const { closed } = await exchange({ port }, { parts: endless() });
    assert.equal(closed, true);
  }));

Deno.test("a connection that waits for its response is not idle, however short the limits", () =>
  withService(
    async () => {
      await sleep(1500);
      return new Response("late\n");
    },
    async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal(await response.text(), "late\n");
    },
    { firstRequestMs: 200, idleMs: 200 },
  ));

Deno.test("a slow download is served to the end, a stalled one is ended", () => {
  let cancelled = 0;
  const endless: Handler = ({ url }) => {
    let left = new URL(url).pathname === "/finite" ? 40 : Infinity;
    return new Response(
      new ReadableStream({
        pull: (controller) => left-- > 0 ? controller.enqueue(new Uint8Array(65_536)) : controller.close(),
        cancel: () => void cancelled++,
      }),
    );
  };
  return withService(endless, async ({ port }, { book }) => {
    const stalled = await Deno.connect({ hostname: "127.0.0.1", port });
    await stalled.write(new TextEncoder().encode("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"));
    using slow = await Deno.connect({ hostname: "127.0.0.1", port });
    await slow.write(new TextEncoder().encode("GET /finite HTTP/1.1\r\nHost: x\r\n\r\n"));
    const into = new Uint8Array(131_072);
    let received = 0;
    for (let reads = 0; received < 40 * 65_536 && reads < 1000; reads++) {
      received += await slow.read(into) ?? assert.fail(`it was ended at ${received} bytes`);
      await sleep(60);
    }
    assert.equal(cancelled, 1, "the stalled one was ended meanwhile");
    stalled.close();
    await waitFor("the stalled connection to end", () => book.size <= 1);
  }, { stallMs: 1000, stallBytes: 16_384 });
});

Deno.test("idle connections above the limit make room, and a client is served throughout", () =>
  withService(hello, async ({ port }, reaper) => {
    const idle: Deno.Conn[] = [];
    for (let i = 0; i < 300; i++) {
      idle.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      if (i % 50 !== 0) continue;
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
      assert.equal(await response.text(), "hello\n");
    }
    await waitFor("idle connections to be closed", () => reaper.book.size <= 65);
    for (const connection of idle) connection.close();
  }, { newTotal: 64, newPerAddress: 64 }));

Deno.test("Content-Length together with chunks is refused, and so is an endless URL", () =>
  withService(hello, async ({ port }) => {
    const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    const { answer, closed } = await exchange({ port }, { parts: [head, ...chunked(1, 5)] });
    assert.equal(statusOf(answer), 400);
    assert.equal(closed, true, "what follows on this connection cannot be trusted");
    const long = `GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`;
    assert.equal(statusOf((await exchange({ port }, { parts: [long], timeoutMs: 500 })).answer), 414);
  }));

Deno.test("when its listening socket is gone, a service listens again", () =>
  withService(hello, async (service) => {
    // what Deno does after a failed accept: the socket stops listening
    using sockets = new OwnSockets({ most: 4096 });
    sockets.end(sockets.listener(service.port) ?? assert.fail("nothing listens"), { drop: false });
    const get = () => fetch(`http://127.0.0.1:${service.port}/`).then((r) => r.text(), () => "");
    assert.equal(await waitFor("an answer", get), "hello\n");
  }));
