import assert from "node:assert/strict";
import type { Clock } from "#torrent/ports.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { handleWebSeed, type WebSeedFile } from "./web_seed.ts";

const CONTENT = Uint8Array.from({ length: 600_000 }, (_, i) => i * 7);

async function withFile(
  use: (get: (path: string, init?: RequestInit) => Promise<Response>) => Promise<void>,
  limited: { uploadLimit?: RateLimit; clock?: Clock } = {},
) {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, CONTENT);
    const files = new Map<string, WebSeedFile>([
      ["web@1/a.pack", { path, length: CONTENT.length }],
      ["web@1/empty", { path: "/dev/null", length: 0 }],
    ]);
    const lookup = ({ torrent, file }: { torrent: string; file: string }) => files.get(`${torrent}/${file}`);
    await use((name, init) =>
      handleWebSeed(new Request(`http://10.0.0.1${name}`, init), {
        prefix: "/webseed/",
        lookup,
        ...limited,
      })
    );
  } finally {
    await Deno.remove(path);
  }
}

const ranges: [string, number, number, number][] = [
  ["bytes=0-0", 206, 0, 1],
  ["bytes=1000-299999", 206, 1000, 300_000],
  ["bytes=599999-", 206, 599_999, 600_000],
  ["bytes=500000-9999999", 206, 500_000, 600_000],
  ["bytes=-5", 206, 599_995, 600_000],
  ["bytes=-9999999", 206, 0, 600_000],
  ["bytes=5-2", 200, 0, 600_000],
  ["bytes=0-1,5-6", 200, 0, 600_000],
  ["lines=0-1", 200, 0, 600_000],
  ["bytes=-", 200, 0, 600_000],
];
for (const [range, status, start, end] of ranges) {
  Deno.test(`${range} is answered by ${status} and bytes ${start} to ${end}`, () =>
    withFile(async (get) => {
      const response = await get("/webseed/web%401/a.pack", { headers: { range } });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("content-length"), String(end - start));
      const expected = status === 206 ? `bytes ${start}-${end - 1}/600000` : null;
      assert.equal(response.headers.get("content-range"), expected);
      assert.deepEqual(await response.bytes(), CONTENT.slice(start, end));
    }));
}

for (const range of ["bytes=600000-", "bytes=-0"]) {
  Deno.test(`${range} cannot be satisfied`, () =>
    withFile(async (get) => {
      const response = await get("/webseed/web@1/a.pack", { headers: { range } });
      assert.equal(response.status, 416);
      assert.equal(response.headers.get("content-range"), "bytes */600000");
    }));
}

Deno.test("HEAD returns the length and opens no file; an empty file has an empty body", () =>
  withFile(async (get) => {
    const head = await get("/webseed/web@1/a.pack", { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length"), head.body], [200, "600000", null]);
    const empty = await get("/webseed/web@1/empty");
    assert.deepEqual([empty.status, await empty.text()], [200, ""]);
  }));

const missing = ["/webseed/web@1/b.pack", "/webseed/web@1", "/webseed/web@1/a.pack/x", "/other/web@1/a.pack"];
for (const path of [...missing, "/webseed/web@1/%2e%2e%2fa.pack", "/webseed/%ff/a.pack"]) {
  Deno.test(`${path} is not found`, () =>
    withFile(async (get) => {
      assert.equal((await get(path)).status, 404);
    }));
}

Deno.test("a reader that leaves midway leaves no file open", () =>
  withFile(async (get) => {
    const response = await get("/webseed/web@1/a.pack");
    const reader = response.body!.getReader();
    assert.ok((await reader.read()).value!.length < CONTENT.length);
    await reader.cancel();
  }));

Deno.test("nothing but GET and HEAD is allowed", () =>
  withFile(async (get) => {
    assert.equal((await get("/webseed/web@1/a.pack", { method: "POST" })).status, 405);
  }));

/** Time passes only while sleeping. */
function fakeClock(): Clock & { readonly slept: number } {
  let now = 5000, slept = 0;
  return {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      slept += ms;
      return Promise.resolve();
    },
    get slept() {
      return slept;
    },
  };
}

Deno.test("every byte of the web seed counts against the limit, which others share", async () => {
  const clock = fakeClock();
  const uploadLimit = new RateLimit(100_000);
  // what the seeder has just sent
  uploadLimit.reserve(300_000, clock.now());
  await withFile(async (get) => {
    assert.deepEqual(await (await get("/webseed/web@1/a.pack")).bytes(), CONTENT);
  }, { uploadLimit, clock });
  // 900 000 bytes, less the last chunk, which is granted before it is paid for, and less the first second's worth
  const lastChunk = 600_000 % (256 * 1024);
  assert.equal(Math.round(clock.slept), Math.round((900_000 - lastChunk) / 100) - 1000);
});

Deno.test("a lifted limit no longer slows anything down", async () => {
  const clock = fakeClock();
  const uploadLimit = new RateLimit(1000);
  uploadLimit.bytesPerSecond = Infinity;
  await withFile(async (get) => void await (await get("/webseed/web@1/a.pack")).bytes(), {
    uploadLimit,
    clock,
  });
  assert.equal(clock.slept, 0);
});

async function ask(file: Partial<WebSeedFile>, headers: Record<string, string> = {}): Promise<Response> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, CONTENT.subarray(0, 1000));
    const response = await handleWebSeed(new Request("http://10.0.0.1/webseed/web@1/a.pack", { headers }), {
      prefix: "/webseed/",
      lookup: () => ({ path, length: 1000, tag: "abc", ...file }),
    });
    const bytes = await response.bytes();
    return new Response(response.body && bytes, response);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("a cache may keep a pack for ever, and ask whether it is still the same", async () => {
  const { headers } = await ask({});
  assert.equal(headers.get("etag"), '"abc"');
  assert.equal(headers.get("cache-control"), "public, max-age=31536000, immutable");
  assert.equal((await ask({}, { "if-none-match": 'W/"x", W/"abc"' })).status, 304);
  assert.equal((await ask({}, { "if-none-match": '"x"' })).status, 200);
  const range = { range: "bytes=0-9" };
  assert.equal((await ask({}, { ...range, "if-range": '"abc"' })).status, 206);
  assert.equal((await ask({}, { ...range, "if-range": '"older"' })).status, 200);
  assert.equal((await ask({ tag: undefined as never })).headers.get("etag"), null);
});

Deno.test("what is in a pack store is asked for there, for this once", async () => {
  const { status, headers } = await ask({ elsewhere: () => "http://10.0.0.2/images/a?signature" });
  assert.deepEqual([status, headers.get("location")], [307, "http://10.0.0.2/images/a?signature"]);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal((await ask({ elsewhere: () => undefined })).status, 200);
});

Deno.test("what is not here, and cannot be had elsewhere now, is brought and promised", async () => {
  let brought = 0;
  const { status, headers } = await ask({ bring: () => brought++ });
  assert.deepEqual([status, headers.get("retry-after"), brought], [503, "2", 1]);
});
