/** The fallbacks of a swarm, over real HTTP: peers first, then web seeds, then the HTTPS fallback. */
import assert from "node:assert/strict";
import { webSeedAt } from "#torrent/web_seed/http_range.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { address, HOST, hurriedClock, SwarmLab } from "../support/swarm_lab.ts";
import { waitFor } from "../support/wait_for.ts";

Deno.test("with no peer reachable, everything comes from the web seed, several pieces at a time", async () => {
  await using lab = await SwarmLab.make({ pieces: 40 });
  const webSeed = lab.webSeed();
  const node = lab.node("1", { webSeeds: [webSeed.url], clock: hurriedClock(20) });
  node.addPeers([{ hostname: HOST, port: 1 }]);
  await node.done;
  await lab.assertSame("1");
  const { webSeedBytes, downloadedBytes, leftBytes, banned } = node.stats();
  assert.deepEqual([webSeedBytes, downloadedBytes, leftBytes], [lab.totalBytes, lab.totalBytes, 0]);
  assert.deepEqual(banned, []);
});

Deno.test("the web seed gets no requests while peers serve well", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const webSeed = lab.webSeed();
  const seed = lab.seed({ uploadLimit: new RateLimit(2_000_000) });
  const nodes = ["1", "2", "3"].map((name) => lab.node(name, { webSeeds: [webSeed.url] }));
  for (const node of nodes) node.addPeers([seed, ...nodes].map(address));
  await Promise.all(nodes.map((node) => node.done));
  for (const name of ["1", "2", "3"]) await lab.assertSame(name);
  assert.deepEqual(webSeed.paths, []);
});

Deno.test("the web seed gets no more requests once peers arrive", async () => {
  await using lab = await SwarmLab.make({ pieces: 200 });
  const bytesPerSecond = new RateLimit(1_000_000);
  const webSeed = lab.webSeed(async () => {
    await new Promise((resolve) => setTimeout(resolve, bytesPerSecond.reserve(65_536, performance.now())));
    return undefined;
  });
  const node = lab.node("1", { webSeeds: [webSeed.url], clock: hurriedClock(20) });
  await waitFor("five pieces", () => node.stats().havePieces >= 5);
  assert.equal(node.stats().source, "web seed");
  node.addPeers([address(lab.seed({ uploadLimit: new RateLimit(8_000_000) }))]);
  await node.done;
  await lab.assertSame("1");
  assert.ok(
    node.stats().webSeedBytes < lab.totalBytes / 4,
    `${node.stats().webSeedBytes} of ${lab.totalBytes}`,
  );
});

Deno.test("the web seed steps in if peers give nothing", async () => {
  await using lab = await SwarmLab.make({ pieces: 20 });
  const silent = lab.badPeer("is silent");
  const node = lab.node("1", { webSeeds: [lab.webSeed().url], clock: hurriedClock(20) });
  node.addPeers([address(silent)]);
  await node.done;
  await lab.assertSame("1");
  assert.equal(node.stats().webSeedBytes, lab.totalBytes);
});

const failures: [string, (request: Request) => Response | undefined][] = [
  ["is not there", () => new Response("no\n", { status: 404 })],
  ["sends the whole file for a range", () => new Response(new Uint8Array(1_000_000))],
  ["sends another range", () => rangeAnswer("bytes 5-65540/9999999", 65_536)],
  ["sends too little", (request) => rangeAnswer(asked(request), 100)],
  ["sends too much", (request) => rangeAnswer(asked(request), 1_000_000)],
  ["sends on to another place", () => Response.redirect("http://127.0.0.1:1/")],
];
for (const [what, answer] of failures) {
  Deno.test(`a web seed that ${what} is skipped in favour of the HTTPS fallback`, async () => {
    await using lab = await SwarmLab.make({ pieces: 10 });
    const failing = lab.webSeed(answer);
    const last = lab.webSeed();
    const node = lab.node("1", {
      webSeeds: [failing.url],
      httpsFallback: webSeedAt(last.url),
      clock: hurriedClock(20),
    });
    await node.done;
    await lab.assertSame("1");
    assert.ok(failing.paths.length > 0);
    assert.equal(node.stats().webSeedBytes, lab.totalBytes);
    assert.deepEqual(node.stats().banned, []);
  });
}

Deno.test("a corrupt web seed is banned and reported by its URL, and the next one serves", async () => {
  await using lab = await SwarmLab.make({ pieces: 20 });
  const evil = lab.webSeed((request) => rangeAnswer(asked(request), rangeLength(request)));
  const good = lab.webSeed();
  const node = lab.node("1", { webSeeds: [evil.url, good.url], clock: hurriedClock(20) });
  await node.done;
  await lab.assertSame("1");
  const { port } = new URL(evil.url);
  assert.deepEqual(node.stats().banned, [{ hostname: HOST, port: Number(port), peerId: evil.url }]);
  assert.ok(evil.paths.length < 20);
});

Deno.test("a hanging web seed is abandoned, and the HTTPS fallback delivers its piece", async () => {
  await using lab = await SwarmLab.make({ pieces: 10 });
  const hanging = lab.webSeed((request) => {
    const half = new Uint8Array(rangeLength(request) / 2);
    const body = new ReadableStream({ start: (controller) => controller.enqueue(half) });
    return new Response(body, { status: 206, headers: { "content-range": asked(request) } });
  });
  const node = lab.node("1", {
    webSeeds: [hanging.url],
    httpsFallback: webSeedAt(lab.webSeed().url),
    clock: hurriedClock(40),
  });
  await node.done;
  await lab.assertSame("1");
});

Deno.test("web seeds that come first do not send each peer everything: peers spread the pieces", async () => {
  await using lab = await SwarmLab.make({ pieces: 60 });
  const webSeed = lab.webSeed();
  const names = ["1", "2", "3", "4"];
  const nodes = names.map((name) => lab.node(name, { webSeeds: [webSeed.url], webSeedsFirst: true }));
  for (const node of nodes) node.addPeers(nodes.map(address));
  await Promise.all(nodes.map((node) => node.done));
  for (const name of names) await lab.assertSame(name);
  const sent = nodes.reduce((sum, node) => sum + node.stats().webSeedBytes, 0);
  // nearly one copy on an idle machine; on a busy one, what a peer has got is learned of later. Alone, each would take one
  assert.ok(sent >= lab.totalBytes && sent < 3 * lab.totalBytes, `${sent} of ${lab.totalBytes}`);
});

function asked(request: Request): string {
  return `${request.headers.get("range")?.replace("=", " ")}/9999999`;
}

function rangeLength(request: Request): number {
  const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.get("range") ?? "") ?? [];
  return Number(last) - Number(first) + 1;
}

function rangeAnswer(contentRange: string, length: number): Response {
  return new Response(new Uint8Array(length), { status: 206, headers: { "content-range": contentRange } });
}
