/** Servers that clients brought down, kept busy forever, or filled with state. */
import { LogLimit } from "../../server/cli/log_limit.ts";
import { ConnectionBook } from "../../server/connections/book.ts";
import { isConnectionFault } from "../../server/connections/faults.ts";
import { guarded } from "../../server/connections/guard.ts";
import { connectionLimits } from "../../server/connections/limits.ts";
import { ConnectionReaper } from "../../server/connections/reaper.ts";
import { HttpService } from "../../server/connections/serve.ts";
import { OwnSockets, type SocketTraffic } from "../../server/connections/sockets.ts";
import { Newcomers } from "../../server/connections/newcomers.ts";
import { bytesBody } from "../../server/web/body.ts";
import { LoginAttempts } from "../../server/web/login_attempts.ts";
import { exchange, statusOf } from "../support/raw_http.ts";
import { testReports } from "./report.ts";
import { waitFor } from "../support/wait_for.ts";

const SECOND = 1000;
const LIMITS = connectionLimits(1024);

interface Moment {
  readonly atMs: number;
  readonly request?: "begins" | "ends";
  readonly traffic?: Partial<SocketTraffic>;
}

/** Why the connection was ended, or "open" if it still is after the last event. */
function fate(moments: readonly Moment[]): string {
  const book = new ConnectionBook(LIMITS);
  const key = "8080 10.0.0.1 40000";
  let traffic: SocketTraffic = { receivedBytes: 0, acknowledgedBytes: 0, isSending: false };
  for (const moment of moments) {
    if (moment.request === "begins") book.begin(key, moment.atMs);
    if (moment.request === "ends") book.end(key, moment.atMs);
    traffic = { ...traffic, ...moment.traffic };
    const facts = { fd: 9, key, address: "10.0.0.1" };
    const [ending] = book.sweep([facts], { traffic: () => traffic, nowMs: moment.atMs });
    if (ending) return ending.reason;
  }
  return "open";
}

testReports(fate, [
  {
    report: "CVE-2018-12122",
    fault: "Node.js kept a connection whose header fields arrived one byte at a time (Slowloris)",
    input: Array.from({ length: 20 }, (_, i) => ({ atMs: i * SECOND, traffic: { receivedBytes: i } })),
    right: "no request in time",
  },
  {
    report: "CVE-2019-5737",
    fault: "on a keep-alive connection, the second request's header could take forever",
    input: [
      { atMs: 0, request: "begins" },
      { atMs: 1, request: "ends" },
      { atMs: 60 * SECOND, traffic: { receivedBytes: 500 } },
      { atMs: 122 * SECOND, traffic: { receivedBytes: 501 } },
    ],
    right: "idle",
  },
  {
    report: "nodejs/node#24760",
    fault:
      "the timeout for header fields kept running after they had arrived, and ended healthy keep-alive connections",
    input: Array.from({ length: 40 }, (_, i) => ({
      atMs: i * 5 * SECOND,
      request: i % 2 === 0 ? "begins" as const : "ends" as const,
    })),
    right: "open",
  },
  {
    report: "CVE-2018-12121",
    fault: "many connections with header fields of 80 KB each exhausted Node.js's heap",
    input: [
      { atMs: 0, traffic: { receivedBytes: 40_000 } },
      { atMs: 100, traffic: { receivedBytes: 80_000 } },
      { atMs: 200, traffic: { receivedBytes: 80_000 } },
    ],
    right: "header fields too long",
  },
  {
    report: "Michad/tilegroxy#1002",
    fault: "a client that did not read its answer kept it in memory forever",
    input: [
      { atMs: 0, request: "begins", traffic: { isSending: true, acknowledgedBytes: 10 } },
      { atMs: 30 * SECOND },
      { atMs: 61 * SECOND },
    ],
    right: "does not read",
  },
  {
    report: "gnacho/netpulse#210",
    fault: "answers had no time limit, and a general one would have cut off event streams",
    input: [{ atMs: 0, request: "begins" }, { atMs: 600 * SECOND }, { atMs: 86_400 * SECOND }],
    right: "open",
  },
]);

/** How many connections of one silent peer are still open. */
function retained(opened: number): number {
  const book = new ConnectionBook(LIMITS);
  const sockets = Array.from({ length: opened }, (_, i) => {
    const key = `8080 10.0.0.1 ${i}`;
    book.begin(key, i);
    book.end(key, i);
    return { fd: i + 9, key, address: "10.0.0.1" };
  });
  return opened - book.sweep(sockets, { traffic: () => undefined, nowMs: opened }).length;
}

testReports(retained, [
  {
    report: "dsx-ai-factory/infra-controller#5257",
    fault: "one retrying UEFI HTTP boot client held 1 013 connections, and no machine could boot",
    input: 1013,
    right: LIMITS.perAddress,
  },
]);

/** The status of the answer to a request, and whether the connection is then closed. */
async function answerTo(request: string): Promise<number> {
  using reaper = new ConnectionReaper({ descriptors: 1024 });
  await using service = new HttpService({ hostname: "127.0.0.1", port: 0 }, {
    name: "test",
    reaper,
    handler: async (raw) => {
      const { length } = await bytesBody({ raw }, { maxBytes: 100 }).catch(() => ({ length: -1 }));
      return new Response(null, { status: length < 0 ? 413 : 200 });
    },
  });
  const { answer } = await exchange({ port: service.port }, { parts: [request], until: /\r\n\r\n/ });
  return statusOf(answer);
}

const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${"a".repeat(bytes)}\r\n0\r\n\r\n`;

testReports(answerTo, [
  {
    report: "ruby/webrick#146",
    fault:
      "a request with both Content-Length and Transfer-Encoding was accepted, which hides a second one from a proxy",
    input: `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(5)}`,
    right: 400,
  },
  {
    report: "paulbreuler/limps#151",
    fault: "the limit of a body was checked against Content-Length alone, and chunks bypassed it",
    input: `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(101)}`,
    right: 413,
  },
  {
    report: "aesiniath/http-streams#16",
    fault: "a single large chunk was refused although the body was within its limit",
    input: `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(100)}`,
    right: 200,
  },
]);

/** Whether the rest of a refused body is read before the refusal is sent, so that HTTP/2 does not reset the stream. */
testReports(async (size) => {
  const book = new ConnectionBook(LIMITS);
  let taken = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (taken >= size) return controller.close();
      taken += 1000;
      controller.enqueue(new Uint8Array(1000));
    },
  }, { highWaterMark: 0 });
  const request = new Request("http://x/", { method: "POST", body });
  const handler = guarded(() => new Response(null, { status: 401 }), { book, localPort: () => 1 });
  const info = { remoteAddr: { hostname: "10.0.0.1", port: 2 }, completed: Promise.resolve() };
  const { status } = await handler(request, info as Deno.ServeHandlerInfo<Deno.NetAddr>);
  return { status, taken };
}, [
  {
    report: "hyperium/h2#634",
    fault: "an early answer reset its stream with CANCEL, and the client discarded the answer",
    input: 50_000,
    right: { status: 401, taken: 50_000 },
  },
]);

testReports(isConnectionFault, [
  {
    report: "JavaScriptSolidServer/JavaScriptSolidServer#138",
    fault: "an uncaught reset by a client ended the server 953 times",
    input: new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)") as Error,
    right: true,
  },
  {
    report: "keystonejs/keystone-classic#342",
    fault: "two resets in a day, on a bad network, ended the server twice",
    input: new Deno.errors.BrokenPipe("Broken pipe (os error 32)") as Error,
    right: true,
  },
]);

/** Whether a server whose listening socket is gone accepts connections again. */
testReports(async (flaw) => {
  using reaper = new ConnectionReaper({ descriptors: 1024 });
  const handler = () => new Response(flaw);
  await using service = new HttpService({ hostname: "127.0.0.1", port: 0 }, {
    name: "test",
    handler,
    reaper,
  });
  using sockets = new OwnSockets({ most: 1024 });
  sockets.end(sockets.listener(service.port) ?? -1, { drop: false });
  const get = () => fetch(`http://127.0.0.1:${service.port}/`).then((r) => r.text(), () => undefined);
  return await waitFor("an answer", get);
}, [
  {
    report: "denoland/deno#10148",
    fault: "out of descriptors, accept failed once and the server ended",
    input: "served",
    right: "served",
  },
]);

/** The number of log lines that this many events of one kind make in a minute. */
testReports((events) => {
  const limit = new LogLimit();
  const record = { category: ["rackseed"], rawMessage: "accept-failed", timestamp: 0 };
  let lines = 0;
  for (let i = 0; i < events; i++) {
    if (limit.pass(record as unknown as Parameters<LogLimit["pass"]>[0]) !== undefined) lines++;
  }
  return lines;
}, [
  {
    report: "facebook/hhvm#119",
    fault: "'accept: Too many open files' filled 211 GB of log in a night and took the database with it",
    input: 1_000_000,
    right: 60,
  },
]);

/** The seconds that an address has to wait after this many wrong tokens. */
testReports((wrong) => {
  const attempts = new LoginAttempts();
  for (let i = 0; i < wrong; i++) attempts.failed("10.0.0.1", 0);
  return attempts.waitMs("10.0.0.1", 0) / SECOND;
}, [
  {
    report: "lixmal/keepass4web-rs#275",
    fault: "its login could be guessed at full speed",
    input: 10,
    right: 32,
  },
  {
    report: "Mailu/Mailu#2880",
    fault: "after an attack, the owner was locked out for a day",
    input: 100_000,
    right: 60,
  },
]);

/** Whether a client that arrives after this many silent ones from other addresses keeps its place. */
testReports((silent) => {
  const newcomers = new Newcomers({ total: 256, perAddress: 64 });
  let held = true;
  for (let i = 0; i < silent; i++) newcomers.admit({ address: `10.0.1.${i}`, close: () => {} });
  newcomers.admit({ address: "10.0.0.1", close: () => held = false });
  return held;
}, [
  {
    report: "c0re100/qBittorrent-Enhanced-Edition#339",
    fault: "fake peers that merely connected took all places from real ones",
    input: 5000,
    right: true,
  },
]);
