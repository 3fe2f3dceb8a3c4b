import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { RackseedError } from "#contract/errors.ts";
import { Bitfield } from "../wire/bitfield.ts";
import { createInfo } from "../metainfo/create_metainfo.ts";
import { FileStorage } from "../storage/file_storage.ts";
import { makePeerId, peerIdText } from "../wire/handshake.ts";
import { type Metainfo, metainfoOf } from "../metainfo/metainfo.ts";
import { PeerListener } from "./peer_listener.ts";
import type { PieceStorage } from "../ports.ts";
import { RateLimit } from "../rate_limit.ts";
import { Swarm, type SwarmOptions } from "./swarm.ts";

const PIECE = 64 * 1024;
const HOST = "127.0.0.1";

/** A torrent of two files with random content. Everything opened for it is closed and removed at the end. */
class Fixture implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #closing = new AbortController();
  readonly directory: string;
  readonly metainfo: Metainfo;

  private constructor(directory: string, metainfo: Metainfo) {
    this.directory = directory;
    this.metainfo = metainfo;
    this.#stack.defer(() => Deno.remove(directory, { recursive: true }));
  }

  static async make(pieces: number): Promise<Fixture> {
    const directory = await Deno.makeTempDir();
    await Deno.mkdir(`${directory}/seed`);
    const files = ["manifest.rsm", "a.pack"].map((name) => ({ name, path: `${directory}/seed/${name}` }));
    await Deno.writeFile(files[0]!.path, randomBytes(100_000));
    await Deno.writeFile(files[1]!.path, randomBytes(pieces * PIECE - 100_000));
    return new Fixture(directory, metainfoOf(await createInfo("web@1", { files, pieceLength: PIECE })));
  }

  storage(name: string): FileStorage {
    Deno.mkdirSync(`${this.directory}/${name}`, { recursive: true });
    return this.#stack.use(FileStorage.open(this.metainfo.map, `${this.directory}/${name}`));
  }

  swarm(
    options: { storage: PieceStorage; have?: Bitfield } & Partial<SwarmOptions>,
  ): Swarm & { port: number } {
    const network = this.#stack.use(PeerListener.listen({ hostname: HOST, port: 0 }));
    const swarm = Swarm.start({
      metainfo: this.metainfo,
      network,
      trackers: [],
      signal: this.#closing.signal,
      have: new Bitfield(this.metainfo.map.pieceCount),
      ...options,
    });
    this.#stack.defer(() => swarm.close());
    return Object.assign(swarm, { port: network.port });
  }

  seed(options: Partial<SwarmOptions> = {}): Swarm & { port: number } {
    const have = Bitfield.full(this.metainfo.map.pieceCount);
    return this.swarm({ storage: this.storage("seed"), have, ...options });
  }

  /** A seed that says it has everything and sends only garbage. */
  corruptSeed(peerId: Uint8Array): Swarm & { port: number } {
    const storage: PieceStorage = { write: () => {}, read: (_, into) => void into.fill(0x5a) };
    return this.seed({ storage, peerId });
  }

  async assertSame(name: string): Promise<void> {
    for (const file of this.metainfo.info.files) {
      const [a, b] = await Promise.all(
        ["seed", name].map((folder) => Deno.readFile(`${this.directory}/${folder}/${file.name}`)),
      );
      assert.ok(a && b && a.length === b.length && a.every((byte, i) => byte === b[i]), file.name);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#stack.disposeAsync();
  }
}

Deno.test("three nodes that know each other complete, and report each piece once", async () => {
  await using fixture = await Fixture.make(40);
  const seed = fixture.seed();
  const reported: number[] = [];
  const first = fixture.swarm({ storage: fixture.storage("1"), onPiece: (piece) => reported.push(piece) });
  const others = ["2", "3"].map((name) => fixture.swarm({ storage: fixture.storage(name) }));
  first.addPeers([{ hostname: HOST, port: seed.port }]);
  for (const other of others) other.addPeers([{ hostname: HOST, port: first.port }]);
  await Promise.all([first, ...others].map((swarm) => swarm.done));
  for (const name of ["1", "2", "3"]) await fixture.assertSame(name);
  assert.deepEqual(reported.toSorted((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i));
  assert.equal(first.stats().leftBytes, 0);
  assert.equal(seed.stats().uploadedBytes, fixture.metainfo.map.totalLength);
});

Deno.test("a seed that deals sends little more than one copy to five nodes that start together", async () => {
  await using fixture = await Fixture.make(200);
  // slow enough that nodes have time to pass on what they have
  const seed = fixture.seed({ deals: true, uploadLimit: new RateLimit(6_000_000) });
  const names = ["1", "2", "3", "4", "5"];
  const nodes = names.map((name) => fixture.swarm({ storage: fixture.storage(name) }));
  for (const node of nodes) node.addPeers([seed, ...nodes].map(({ port }) => ({ hostname: HOST, port })));
  await Promise.all(nodes.map((node) => node.done));
  for (const name of names) await fixture.assertSame(name);
  const copies = seed.stats().uploadedBytes / fixture.metainfo.map.totalLength;
  assert.ok(copies >= 1 && copies <= 1.5, `${copies}`);
});

Deno.test("a lone node gets everything from a dealing seed, and so does a latecomer", async () => {
  await using fixture = await Fixture.make(60);
  const seed = fixture.seed({ deals: true });
  for (const name of ["1", "2"]) {
    const node = fixture.swarm({ storage: fixture.storage(name) });
    node.addPeers([{ hostname: HOST, port: seed.port }]);
    await node.done;
    await fixture.assertSame(name);
    await node.close();
  }
  assert.equal(seed.stats().uploadedBytes, 2 * fixture.metainfo.map.totalLength);
});

Deno.test("one port serves two torrents, and refuses a third", async () => {
  await using fixture = await Fixture.make(3);
  await using other = await Fixture.make(4);
  using network = PeerListener.listen({ hostname: HOST, port: 0 });
  fixture.seed({ network });
  other.seed({ network });
  for (const each of [fixture, other]) {
    const leech = each.swarm({ storage: each.storage("1") });
    leech.addPeers([{ hostname: HOST, port: network.port }]);
    await leech.done;
    await each.assertSame("1");
  }
  const handshake = { infoHash: new Uint8Array(20), peerId: new Uint8Array(20), fast: true, extended: true };
  const { signal } = new AbortController();
  await assert.rejects(network.connect({ hostname: HOST, port: network.port }, { handshake, signal }));
});

Deno.test("a peer that sends corrupt pieces is banned for good, and the download completes", async () => {
  await using fixture = await Fixture.make(60);
  const peerId = makePeerId(Math.random);
  const evil = fixture.corruptSeed(peerId);
  // the honest seed is slow, so that the corrupt one gets requests too
  const honest = fixture.seed({ uploadLimit: new RateLimit(4_000_000) });
  const leech = fixture.swarm({ storage: fixture.storage("1") });
  leech.addPeers([{ hostname: HOST, port: evil.port }, { hostname: HOST, port: honest.port }]);
  await leech.done;
  await fixture.assertSame("1");
  assert.deepEqual(leech.stats().banned, [{ hostname: HOST, port: evil.port, peerId: peerIdText(peerId) }]);

  using network = PeerListener.listen({ hostname: HOST, port: 0 });
  const { infoHash } = fixture.metainfo;
  for (const [id, isLetIn] of [[peerId, false], [makePeerId(Math.random), true]] as const) {
    const { connection } = await network.connect({ hostname: HOST, port: leech.port }, {
      handshake: { infoHash, peerId: id, fast: true, extended: true },
      signal: new AbortController().signal,
    });
    assert.equal(await connection.read(new Uint8Array(100)) !== null, isLetIn);
    connection.close();
  }
});

Deno.test("when two stock peers share a corrupt piece, the one that lied is banned", async () => {
  await using fixture = await Fixture.make(4);
  // foreign peer ids get requests of 16 KiB, so that the endgame mixes both in one piece
  const [liar, honest] = ["-XX0001-liarliarliar", "-XX0001-honesthonest"].map((id) =>
    new TextEncoder().encode(id)
  );
  const evil = fixture.corruptSeed(liar!);
  const good = fixture.seed({ peerId: honest!, uploadLimit: new RateLimit(200_000) });
  const leech = fixture.swarm({ storage: fixture.storage("1") });
  leech.addPeers([{ hostname: HOST, port: evil.port }, { hostname: HOST, port: good.port }]);
  await leech.done;
  await fixture.assertSame("1");
  assert.deepEqual(leech.stats().banned.map(({ port }) => port), [evil.port]);
});

Deno.test("a restarted node keeps its valid pieces and fetches the rest", async () => {
  await using fixture = await Fixture.make(30);
  const before = fixture.storage("1");
  const seedFiles = fixture.storage("seed");
  const bytes = new Uint8Array(PIECE);
  for (let piece = 0; piece < 20; piece++) {
    seedFiles.read(piece * PIECE, bytes);
    before.write(piece * PIECE, piece === 7 ? bytes.map((byte) => byte ^ 1) : bytes);
  }
  const storage = fixture.storage("1");
  const have = await storage.verify(fixture.metainfo, new AbortController().signal);
  assert.equal(have.count, 19);
  assert.equal(have.has(7), false);
  const seed = fixture.seed();
  const leech = fixture.swarm({ storage, have });
  leech.addPeers([{ hostname: HOST, port: seed.port }]);
  await leech.done;
  await fixture.assertSame("1");
  assert.equal(leech.stats().downloadedBytes, 11 * PIECE);
});

Deno.test("a node that wants some pieces fetches only those, is then done, and uploads them to others", async () => {
  await using fixture = await Fixture.make(30);
  const { map } = fixture.metainfo;
  const wanted = piecesOf(map.pieceCount, [3, 4, 17, 29]);
  const have = piecesOf(map.pieceCount, [3, 5]);
  const seed = fixture.seed();
  const reported: number[] = [];
  const leech = fixture.swarm({
    storage: fixture.storage("1"),
    have,
    wanted,
    onPiece: (piece) => reported.push(piece),
  });
  assert.deepEqual([leech.stats().wantedBytes, leech.stats().leftBytes], [4 * PIECE, 3 * PIECE]);
  leech.addPeers([{ hostname: HOST, port: seed.port }]);
  await leech.done;
  assert.deepEqual(reported.toSorted((a, b) => a - b), [4, 17, 29]);
  assert.equal(leech.stats().leftBytes, 0);
  assert.equal(seed.stats().uploadedBytes, 3 * PIECE);

  const other = fixture.swarm({
    storage: fixture.storage("2"),
    wanted: piecesOf(map.pieceCount, [4, 29]),
  });
  other.addPeers([{ hostname: HOST, port: leech.port }]);
  await other.done;
  assert.equal(leech.stats().uploadedBytes, 2 * PIECE);
});

Deno.test("a node that already has all it wants is done at once", async () => {
  await using fixture = await Fixture.make(4);
  const wanted = piecesOf(fixture.metainfo.map.pieceCount, [1]);
  await fixture.swarm({ storage: fixture.storage("1"), have: wanted, wanted }).done;
});

function piecesOf(count: number, pieces: readonly number[]): Bitfield {
  const field = new Bitfield(count);
  for (const piece of pieces) field.add(piece);
  return field;
}

Deno.test({
  name: "a full disk ends the swarm with the file's name and a remedy",
  // mounts a small tmpfs
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await using fixture = await Fixture.make(40);
    const full = `${fixture.directory}/full`;
    await Deno.mkdir(full);
    await using _mount = await mountTmpfs(full, "1m");
    const seed = fixture.seed();
    using storage = FileStorage.open(fixture.metainfo.map, full);
    const leech = fixture.swarm({ storage });
    leech.addPeers([{ hostname: HOST, port: seed.port }]);
    await assert.rejects(leech.done, (error) => {
      assert.ok(error instanceof RackseedError);
      assert.match(error.message, /cannot write .*full.*no space left.*Remedy: make room/si);
      return true;
    });
    await leech.close();
  },
});

async function mountTmpfs(path: string, size: string): Promise<AsyncDisposable> {
  const run = (program: string, ...args: string[]) => new Deno.Command(program, { args }).output();
  assert.ok((await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path)).success);
  return { [Symbol.asyncDispose]: async () => void await run("umount", path) };
}

Deno.test("closing a swarm before it is complete rejects `done`", async () => {
  await using fixture = await Fixture.make(4);
  const leech = fixture.swarm({ storage: fixture.storage("1") });
  await leech.close();
  await assert.rejects(leech.done, { name: "AbortError" });
});
