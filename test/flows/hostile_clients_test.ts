/** Clients that hold connections, lie about lengths, or send unsolicited data, against a complete server. */
import assert from "node:assert/strict";
import { CaptureView } from "#contract/api.ts";
import { chunked, exchange, statusOf } from "../support/raw_http.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { waitFor } from "../support/wait_for.ts";

const MIB = 1 << 20;

const residentMib = () => Deno.memoryUsage().rss / MIB;

async function caOf({ folder }: ServerUnderTest): Promise<string> {
  return await Deno.readTextFile(`${folder}/data/tls/ca.pem`);
}

/** Sends the body over TLS. Returns the status, and the growth of this process in MiB. */
async function post(
  test: ServerUnderTest,
  { path, fields, body }: {
    path: string;
    fields: string[];
    body: Iterable<string | Uint8Array<ArrayBuffer>>;
  },
): Promise<{ status: number; grownMib: number }> {
  const before = residentMib();
  const { https: port } = test.server.ports;
  const head = [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...fields, "", ""].join("\r\n");
  const parts = (function* () {
    yield head;
    yield* body;
  })();
  const { answer } = await exchange({ hostname: "127.0.0.1", port, caCert: await caOf(test) }, {
    parts,
    timeoutMs: 8000,
    until: /\r\n\r\n/,
  });
  return { status: statusOf(answer), grownMib: residentMib() - before };
}

Deno.test("a thousand idle connections to each HTTP port of a server with 600 descriptors", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-flow-" });
  const free = ["--http-port", "0", "--peer-port", "0", "--tracker-port", "0", "--rsync-port", "off"];
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const child = new Deno.Command("prlimit", {
    args: [
      ...["--nofile=600:600", Deno.execPath(), "run", "-A", "--no-check", main, "server", "--json"],
      ...["--data", `${folder}/data`, "--listen", "127.0.0.1:0", "--tftp-port", "off", ...free],
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const held: Deno.Conn[] = [];
  try {
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { http, ports } = JSON.parse((await lines.read()).value ?? "");
    await lines.cancel();
    for (const port of [ports.http, ports.https]) {
      for (let i = 0; i < 1000; i++) {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
        if (connection) held.push(connection);
      }
      const plain = async () => {
        const response = await fetch(`${http}/boot/none`);
        await response.body?.cancel();
        return response.status;
      };
      assert.equal(await withinASecond(plain), 404, `plain HTTP answers while ${port} is flooded`);
    }
    const caCert = await Deno.readTextFile(`${folder}/data/tls/ca.pem`);
    const request = "GET /ca.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const secure = () => exchange({ port: ports.https, caCert }, { parts: [request], timeoutMs: 1000 });
    assert.equal(await withinASecond(async () => statusOf((await secure()).answer)), 200);
  } finally {
    for (const connection of held) connection.close();
    child.kill("SIGKILL");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a body is bounded while it arrives, whatever length it claims and whatever its sender's permissions", async () => {
  await using test = await ServerUnderTest.start();
  const { id } = await test.client.post("/captures", { body: { image: "web" }, schema: CaptureView });
  const json = "Content-Type: application/json";
  const form = "Content-Type: application/x-www-form-urlencoded";
  const own = `Origin: https://127.0.0.1:${test.server.ports.https}`;
  const token = `Authorization: Bearer ${test.server.token}`;
  const stranger = `Authorization: Bearer ${"x".repeat(43)}`;
  const chunks = "Transfer-Encoding: chunked";
  const cases: [path: string, fields: string[], status: number][] = [
    ["/login", [form, own, chunks], 413],
    ["/login", [form, own, chunks, "Content-Length: 5"], 400],
    ["/api/v1/templates", [json, chunks, "Content-Length: 5", token], 400],
    ["/api/v1/templates", [json, chunks], 401],
    ["/api/v1/templates", [json, chunks, token], 413],
    ["/api/v1/node/enrol", [json, chunks, stranger], 401],
    ["/api/v1/node/report", [json, chunks, stranger], 401],
    [`/api/v1/captures/${id}/frames`, [chunks, token], 413],
    [`/api/v1/captures/${id}/known`, [chunks, token], 413],
    [`/api/v1/captures/${id}/progress`, [json, chunks, token], 413],
    [`/api/v1/captures/${id}/failed`, [json, chunks, token], 413],
    ["/nowhere", [chunks], 404],
  ];
  for (const [path, fields, status] of cases) {
    const what = `${path} ${fields.join(", ")}`;
    assert.equal((await post(test, { path, fields, body: chunked(7) })).status, status, what);
    // Beyond the part that the server drains, the connection may end before the answer is read.
    const { grownMib } = await post(test, { path, fields, body: chunked(300) });
    assert.ok(grownMib < 64, `${what}: ${grownMib.toFixed(0)} MiB more`);
  }
  assert.equal((await test.client.send("GET", "/nodes")).status, 200);
});

Deno.test("a refusal arrives complete, before or after the body, over HTTP/1.1 and HTTP/2", async () => {
  await using test = await ServerUnderTest.start();
  const body = `${test.folder}/body`;
  const ca = `${test.folder}/data/tls/ca.pem`;
  const client = Deno.createHttpClient({ caCerts: [await caOf(test)] });
  for (const size of [10, 100_000, 6 * MIB]) {
    await Deno.writeFile(body, new Uint8Array(size));
    for (const [path, status] of [["/api/v1/templates", 401], ["/login", 403], ["/nowhere", 404]] as const) {
      const url = `${test.server.urls.server}${path}`;
      for (const version of ["--http1.1", "--http2"]) {
        const args = [
          "-s",
          version,
          "--cacert",
          ca,
          "-w",
          "\n%{http_code}",
          "--data-binary",
          `@${body}`,
          url,
        ];
        const { code, stdout } = await new Deno.Command("curl", { args }).output();
        const output = new TextDecoder().decode(stdout);
        // A form of this size is refused for its size, before its origin is checked.
        const right = path === "/login" && size > 4096 ? 413 : status;
        assert.deepEqual([code, output.split("\n").at(-1)], [0, String(right)], `${version} ${path} ${size}`);
        assert.match(output, /"title":"cannot /);
      }
      const response = await fetch(url, { method: "POST", body: new Uint8Array(size), client });
      assert.match(await response.text(), /"title":"cannot /);
    }
  }
  client.close();
});

Deno.test("a client that guesses tokens has to wait, even with the right one", async () => {
  await using test = await ServerUnderTest.start();
  const { server } = test.server.urls;
  const client = Deno.createHttpClient({ caCerts: [await caOf(test)] });
  const attempt = async (token: string) => {
    const response = await fetch(`${server}/?token=${token}`, { client, redirect: "manual" });
    await response.body?.cancel();
    return response.status;
  };
  const statuses: number[] = [];
  for (let i = 0; i < 7; i++) statuses.push(await attempt(`wrong${i}`));
  assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429]);
  assert.equal(await attempt(test.server.token), 429);
  await waitFor("the right token to be accepted again", async () => await attempt(test.server.token) === 303);
  client.close();
});

/** Retries for a second if refused, as clients do. */
async function withinASecond(attempt: () => Promise<number>): Promise<number> {
  for (const deadline = performance.now() + 1000;;) {
    const got = await attempt().catch(() => NaN);
    if (!Number.isNaN(got) || performance.now() > deadline) return got;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
