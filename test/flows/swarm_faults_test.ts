/** Faults in a swarm, with real sockets and bytes: the other nodes finish, and the fault is reported. */
import assert from "node:assert/strict";
import { RateLimit } from "#torrent/rate_limit.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { RackseedError } from "#contract/errors.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import type { SwarmStats } from "#torrent/session/swarm.ts";
import { Program } from "../../scripts/bench/program.ts";
import { handleAnnounce } from "../../server/swarm/http_tracker.ts";
import { Tracker } from "../../server/swarm/tracker.ts";
import { UdpTracker } from "../../server/swarm/udp_tracker.ts";
import { needs } from "../support/needs.ts";
import { address, HOST, hurriedClock, SwarmLab } from "../support/swarm_lab.ts";
import { waitFor } from "../support/wait_for.ts";
import type { Misdeed } from "../support/bad_peer.ts";

Deno.test("a corrupt peer is banned and reported by every node that it deceives, and all finish", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const evil = lab.badPeer("lies");
  // The honest seed is slowed down, so that the corrupt one gets requests too.
  const seed = lab.seed({ uploadLimit: new RateLimit(4_000_000) });
  const nodes = ["1", "2", "3"].map((name) => lab.node(name));
  for (const node of nodes) node.addPeers([evil, seed, ...nodes].map(address));
  await Promise.all(nodes.map((node) => node.done));
  for (const [i, node] of nodes.entries()) {
    await lab.assertSame(`${i + 1}`);
    assert.deepEqual(node.stats().banned, [{ ...address(evil), peerId: evil.id }]);
  }
});

const misdeeds: Misdeed[] = ["is silent", "stops in a block"];
for (const misdeed of misdeeds) {
  Deno.test(`the finish does not wait for a peer that ${misdeed}`, async () => {
    await using lab = await SwarmLab.make({ pieces: 32, pieceLength: 512 * 1024 });
    const [first, second] = [lab.badPeer(misdeed), lab.badPeer(misdeed)];
    const node = lab.node("1", { clock: hurriedClock(5) });
    node.addPeers([address(first), address(second)]);
    await Promise.all([first.firstAsked, second.firstAsked]);
    const seed = lab.seed();
    node.addPeers([address(seed)]);
    await node.done;
    const { peers } = node.stats();
    assert.equal(peers, 3, "no peer has been dropped by then");
    await lab.assertSame("1");
  });
}

Deno.test("a peer that refuses pieces it claims to have is dropped, and kept out for a while", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const liar = lab.badPeer("refuses");
  const node = lab.node("1", { clock: hurriedClock(20) });
  node.addPeers([address(liar)]);
  await waitFor("the liar to be banned", () => liar.asked > 64 && node.stats().peers === 0);
  const seed = lab.seed();
  node.addPeers([address(seed)]);
  const { asked } = liar;
  await node.done;
  assert.equal(liar.asked, asked);
  await lab.assertSame("1");
});

const ends: [string, Deno.Signal][] = [["is killed", "SIGKILL"], ["hangs forever", "SIGSTOP"]];
for (const [what, signal] of ends) {
  Deno.test(`the server ${what} once the nodes have everything between them: they finish without it`, async () => {
    await using lab = await SwarmLab.make({ pieces: 128 });
    const server = start(lab, ["server", `${lab.directory}/torrent`, `${lab.directory}/seed`, "8000000"]);
    const { tracker, pid } = said<{ tracker: number; pid: number }>(
      await server.line((line) => line.startsWith("SERVES")),
    );
    // They upload slowly, so that each still lacks much when the last piece has left the server.
    const nodes = ["1", "2", "3"].map((name) => {
      const have = new Bitfield(lab.metainfo.map.pieceCount);
      const trackers = [`http://${HOST}:${tracker}/announce`];
      const node = lab.node(name, { have, trackers, uploadLimit: new RateLimit(700_000) });
      return { node, have };
    });
    const pieces = Array.from({ length: lab.metainfo.map.pieceCount }, (_, piece) => piece);
    await waitFor("every piece", () => pieces.every((piece) => nodes.some(({ have }) => have.has(piece))));
    Deno.kill(pid, signal);
    assert.ok(nodes.some(({ have }) => have.count < have.size * 0.8), "the server died too late");
    await Promise.all(nodes.map(({ node }) => node.done));
    for (const name of ["1", "2", "3"]) await lab.assertSame(name);
  });
}

Deno.test("a node killed halfway and restarted fetches at most 5 % of what it had again", async () => {
  await using lab = await SwarmLab.make({ pieces: 512, pieceLength: 256 * 1024 });
  const seed = lab.seed({ uploadLimit: new RateLimit(32_000_000) });
  const argv = ["node", `${lab.directory}/torrent`, `${lab.directory}/1`, `${seed.port}`];
  const first = start(lab, argv);
  await first.line((line) => line.startsWith("HAS") && said<SwarmStats>(line).havePieces >= 256);
  await first.stop();
  const sentBefore = seed.stats().uploadedBytes;
  const second = start(lab, argv);
  const found = said<number>(await second.line((line) => line.startsWith("FOUND")));
  assert.ok(found >= 256, `only ${found} pieces were found`);
  await second.line((line) => line.startsWith("DONE"));
  await lab.assertSame("1");
  const again = seed.stats().uploadedBytes - lab.totalBytes;
  assert.ok(again <= sentBefore * 0.05, `${again} of ${sentBefore} bytes were fetched again`);
});

Deno.test("nodes that have peers finish after the tracker is gone", async () => {
  await using lab = await SwarmLab.make({ pieces: 64 });
  const { url, stop } = httpTracker(lab);
  lab.seed({ trackers: [url], uploadLimit: new RateLimit(2_000_000) });
  const nodes = ["1", "2"].map((name) => lab.node(name, { trackers: [url], clock: hurriedClock(20) }));
  await waitFor("a piece at each node", () => nodes.every((node) => node.stats().havePieces > 0));
  await stop();
  await Promise.all(nodes.map((node) => node.done));
  for (const name of ["1", "2"]) await lab.assertSame(name);
});

Deno.test("if the HTTP tracker is gone from the start, the UDP tracker of the next tier finds the peers", async () => {
  await using lab = await SwarmLab.make({ pieces: 16 });
  const { url, stop, tracker } = httpTracker(lab);
  await stop();
  const udp = lab.stack.use(await UdpTracker.listen(tracker, { hostname: HOST, port: 0 }));
  const trackers = [url, `udp://${HOST}:${udp.port}`];
  lab.seed({ trackers });
  const nodes = ["1", "2"].map((name) => lab.node(name, { trackers, clock: hurriedClock(20) }));
  await Promise.all(nodes.map((node) => node.done));
  for (const name of ["1", "2"]) await lab.assertSame(name);
});

Deno.test({
  name: "a node with a full disk fails with a remedy, and the others finish",
  // Root mounts a small tmpfs for it.
  ...needs({ root: true }),
  fn: async () => {
    await using lab = await SwarmLab.make({ pieces: 64 });
    const small = `${lab.directory}/small`;
    await Deno.mkdir(small);
    await run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small);
    lab.stack.defer(() => run("umount", small));
    const full = lab.node("small", { storage: lab.stack.use(FileStorage.open(lab.metainfo.map, small)) });
    const seed = lab.seed({ uploadLimit: new RateLimit(6_000_000) });
    const nodes = ["1", "2"].map((name) => lab.node(name));
    for (const node of [full, ...nodes]) node.addPeers([seed, full, ...nodes].map(address));
    await assert.rejects(full.done, (error) => {
      assert.ok(error instanceof RackseedError);
      // which of the torrent's two files meets the full disk depends on the order of the pieces
      assert.match(
        error.message,
        /cannot write .*small\/(a\.pack|manifest\.rsm).*no space left.*Remedy: make room/si,
      );
      return true;
    });
    await Promise.all(nodes.map((node) => node.done));
    for (const name of ["1", "2"]) await lab.assertSame(name);
    assert.deepEqual(nodes.flatMap((node) => node.stats().banned), []);
  },
});

function start(lab: SwarmLab, args: readonly string[]): Program {
  const script = new URL("../support/swarm_process.ts", import.meta.url).pathname;
  const argv = [Deno.execPath(), "run", "-A", "--no-check", script, ...args];
  const program = new Program(argv, new AbortController().signal);
  lab.stack.defer(() => program.stop().catch(() => {}));
  return program;
}

function said<T>(line: string): T {
  return JSON.parse(line.slice(line.indexOf(" "))) as T;
}

function httpTracker(lab: SwarmLab): { url: string; tracker: Tracker; stop: () => Promise<void> } {
  const tracker = new Tracker(Math.random);
  tracker.add(lab.metainfo.infoHash, []);
  const server = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    (request) => handleAnnounce(request, { hostname: HOST, tracker, now: Date.now() }),
  );
  lab.stack.defer(() => server.shutdown());
  return { url: `http://${HOST}:${server.addr.port}/announce`, tracker, stop: () => server.shutdown() };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
