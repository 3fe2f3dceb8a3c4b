import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { RackseedError } from "#contract/errors.ts";
import { decodeCuts, encodeCut, ExtentRequest } from "#contract/format/extent_answer.ts";
import { makeImage } from "../../../test/support/small_image.ts";
import { fetchExtents } from "./extent_client.ts";

/** What an extent of the small image holds; see small_image.ts. */
const content = (frame: number, index: number) =>
  index === 0 ? Buffer.alloc(1000, `a${frame}`) : Buffer.alloc(5000, `b${frame}`);

const answer = ({ frames }: ExtentRequest): Uint8Array[] =>
  frames.map(({ frame, extents }) =>
    encodeCut(zstdCompressSync(Buffer.concat(extents.map((index) => content(frame, index)))))
  );

const routes = [{ frame: 0, extents: [0, 1] }, { frame: 2, extents: [1] }];

/** Asks a server that answers the nth request with `answers[n]`, and all further ones with the last. */
async function fetch(...answers: ((request: ExtentRequest) => Uint8Array[])[]) {
  using image = makeImage();
  const asked: ExtentRequest[] = [];
  let bytes = 0;
  const frames = await Array.fromAsync(fetchExtents({
    client: {
      send: (_method, _path, { json } = {}) => {
        const request = ExtentRequest.parse(json);
        const respond = answers[Math.min(asked.push(request), answers.length) - 1];
        return Promise.resolve(new Response(new Uint8Array(Buffer.concat(respond?.(request) ?? []))));
      },
    },
    path: "/node/extents",
    manifest: image.manifest,
    routes,
    onBytes: (count) => bytes += count,
    signal: new AbortController().signal,
    pause: () => Promise.resolve(),
  }));
  return { asked, bytes, frames };
}

Deno.test("extents arrive by frame and number, and their bytes are counted", async () => {
  const { asked, bytes, frames } = await fetch(answer);
  assert.deepEqual(asked, [{ frames: routes }]);
  assert.deepEqual(frames.map(({ frame, contents }) => [frame, [...contents.keys()]]), [[0, [0, 1]], [2, [
    1,
  ]]]);
  assert.deepEqual(frames[1]?.contents.get(1)?.toString(), content(2, 1).toString());
  assert.equal(bytes, Buffer.concat(answer({ frames: routes })).length);
});

Deno.test("after a broken answer only what is missing is requested again", async () => {
  const { asked, frames } = await fetch((request) => answer(request).slice(0, 1), answer);
  assert.deepEqual(asked.map((request) => request.frames), [routes, routes.slice(1)]);
  assert.equal(frames.length, 2);
});

Deno.test("a request to a server that falls silent is repeated", async () => {
  using image = makeImage();
  let asked = 0;
  const frames = await Array.fromAsync(fetchExtents({
    client: {
      send: (_method, _path, { json } = {}) => {
        const bytes = new Uint8Array(Buffer.concat(answer(ExtentRequest.parse(json))));
        const isSilent = asked++ === 0;
        const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
          start(controller) {
            controller.enqueue(isSilent ? bytes.subarray(0, 9) : bytes);
            if (!isSilent) controller.close();
          },
        });
        return Promise.resolve(new Response(body));
      },
    },
    path: "/node/extents",
    manifest: image.manifest,
    routes,
    idleMs: 50,
    onBytes: () => {},
    signal: new AbortController().signal,
    pause: () => Promise.resolve(),
  }));
  assert.deepEqual([asked, frames.length], [2, 2]);
});

Deno.test("an answer may arrive in chunks of any size", async () => {
  const whole = Buffer.concat(answer({ frames: routes }));
  for (const size of [1, 3, 4, 5, 1000]) {
    const pieces = Array.from(
      { length: Math.ceil(whole.length / size) },
      (_, i) => whole.subarray(i * size, (i + 1) * size),
    );
    const cuts = await Array.fromAsync(decodeCuts(ReadableStream.from(pieces)));
    assert.deepEqual(Buffer.concat(cuts.map(encodeCut)), whole);
  }
});

const bad: { name: string; answers: (request: ExtentRequest) => Uint8Array[]; says: RegExp }[] = [
  {
    name: "other bytes",
    answers: () => [encodeCut(zstdCompressSync(Buffer.alloc(6000, "x")))],
    says: /another SHA-256/,
  },
  {
    name: "too few bytes",
    answers: () => [encodeCut(zstdCompressSync(Buffer.alloc(10)))],
    says: /another length/,
  },
  { name: "a bomb", answers: () => [encodeCut(zstdCompressSync(Buffer.alloc(1 << 24)))], says: /./ },
  { name: "no zstd", answers: () => [encodeCut(Buffer.alloc(50, 7))], says: /./ },
  { name: "a cut larger than a frame", answers: () => [Buffer.alloc(8, 0x7f)], says: /larger than a frame/ },
  { name: "half a cut", answers: (request) => [answer(request)[0]!.subarray(0, 9)], says: /cut off/ },
  { name: "nothing", answers: () => [], says: /ends too early/ },
];
for (const { name, answers, says } of bad) {
  Deno.test(`an answer with ${name} is rejected, and nothing of it is used`, async () => {
    await assert.rejects(fetch(answers), (error) => {
      assert.match(error instanceof RackseedError ? error.reason : String(error), says);
      return true;
    });
  });
}
