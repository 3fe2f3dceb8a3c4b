import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import bencode from "bencode";
import fc from "fast-check";
import { RackseedError } from "#contract/errors.ts";
import { createInfo } from "./create_metainfo.ts";
import { choosePieceLength, encodeMetainfo, type Info, infoHashOf, parseMetainfo } from "./metainfo.ts";

const MIB = 1024 * 1024;
const INFO = {
  name: "web@3",
  files: [{ name: "manifest.rsm", length: 20_000 }, { name: "a.pack", length: 30_000 }],
  pieceLength: 16_384,
  pieceHashes: new Uint8Array(80).fill(7),
};

Deno.test("a torrent survives encoding, and trackers and web seeds do not change its info hash", () => {
  const announce = ["http://10.0.0.1:8080/announce", "udp://10.0.0.1:6969"];
  const webSeeds = ["http://10.0.0.1:8080/webseed/"];
  const parsed = parseMetainfo(encodeMetainfo(INFO, { announce, webSeeds }));
  assert.deepEqual(parsed.info, INFO);
  assert.deepEqual(parsed.announce, announce.map((url) => [url]));
  assert.deepEqual(parsed.webSeeds, webSeeds);
  assert.deepEqual(parsed.infoHash, infoHashOf(INFO));
  assert.deepEqual(
    parseMetainfo(encodeMetainfo(INFO, { announce: [], webSeeds: [] })).infoHash,
    parsed.infoHash,
  );
});

type Loose = Record<string, unknown>;
const file = (path: unknown[], length: unknown = 50_000) => ({ files: [{ path, length }] });
const refused: [string, Loose][] = [
  ["a name with a slash", { name: "../etc" }],
  ["a name with a leading dot", { name: ".ssh" }],
  ["an empty name", { name: "" }],
  ["a file in a sub-folder", file(["a", "b"])],
  ["a file named ..", file([".."])],
  ["a file named with a slash", file(["a/b"])],
  ["a file named with a zero byte", file(["a\0b"])],
  ["a file without a name", file([])],
  ["a negative length", file(["a"], -1)],
  ["two files of the same name", {
    files: [{ path: ["a"], length: 25_000 }, { path: ["a"], length: 25_000 }],
  }],
  ["no files", { files: [] }],
  ["only an empty file", { ...file(["a"], 0), pieces: "" }],
  ["a piece length that is not a power of two", { "piece length": 20_000 }],
  ["a tiny piece length", { "piece length": 1024 }],
  ["a huge piece length", { "piece length": 1 << 30 }],
  ["too few piece hashes", { pieces: "x".repeat(60) }],
  ["a public torrent", { private: 0 }],
];
for (const [what, change] of refused) {
  Deno.test(`a torrent with ${what} is refused`, () => {
    const info = { ...file(["a"]), name: "web", "piece length": 16_384, pieces: "x".repeat(80), private: 1 };
    assert.equal(parseMetainfo(bencode.encode({ info })).info.name, "web");
    assert.throws(() => parseMetainfo(bencode.encode({ info: { ...info, ...change } })), RackseedError);
  });
}

Deno.test("trailing bytes and unsorted keys are refused: the info hash would not match the bytes", () => {
  const good = encodeMetainfo(INFO, { announce: [], webSeeds: [] });
  assert.throws(() => parseMetainfo(Uint8Array.from([...good, 0x65])), RackseedError);
  assert.throws(() => parseMetainfo(new TextEncoder().encode("d1:bi1e1:ai2ee")), RackseedError);
  assert.throws(() => parseMetainfo(new TextEncoder().encode("l".repeat(100_000))), RackseedError);
});

Deno.test("garbage makes the parser throw RackseedError and nothing else", () => {
  const good = encodeMetainfo(INFO, { announce: ["http://10.0.0.1/announce"], webSeeds: [] });
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      try {
        parseMetainfo(good.with(at, byte));
      } catch (error) {
        assert.ok(error instanceof RackseedError);
      }
    }),
  );
});

const pieceLengths: [number, number][] = [
  [1, 0.25],
  [512, 0.25],
  [1024, 0.5],
  [1025, 1],
  [4096, 2],
  [5000, 4],
  [500_000, 4],
];
for (const [sizeMib, lengthMib] of pieceLengths) {
  Deno.test(`a torrent of ${sizeMib} MiB has pieces of ${lengthMib} MiB`, () => {
    assert.equal(choosePieceLength(sizeMib * MIB), lengthMib * MIB);
  });
}

Deno.test("pieces are hashed across files, even with an empty file in between", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const contents = [50_000, 0, 40_000].map((length, i) => new Uint8Array(length).fill(i + 1));
    const files = contents.map((_, i) => ({ name: `${i}.pack`, path: `${directory}/${i}` }));
    for (const [i, content] of contents.entries()) await Deno.writeFile(`${directory}/${i}`, content);
    const info = await createInfo("web@1", { files, pieceLength: 32_768 });
    const all = Uint8Array.from(contents.flatMap((content) => [...content]));
    const hashes = [0, 32_768, 65_536].flatMap((start) => [
      ...createHash("sha1").update(all.subarray(start, start + 32_768)).digest(),
    ]);
    assert.deepEqual([...info.pieceHashes], hashes);
    assert.deepEqual(info.files.map(({ length }) => length), [50_000, 0, 40_000]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("hashes of common pieces are reused, up to the last whole piece", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const write = async (name: string, content: Uint8Array) => {
      await Deno.writeFile(`${directory}/${name}`, content);
      return { name, path: `${directory}/${name}` };
    };
    const noise = (length: number) => Uint8Array.from({ length }, () => Math.random() * 256);
    const [a, b, c] = [
      await write("a", noise(100_000)),
      await write("b", noise(50_000)),
      await write("c", noise(70_000)),
    ];
    const pieceLength = 32_768;
    const before = await createInfo("web@1", { files: [a, b], pieceLength });
    const files = [a, b, c];
    const whole = await createInfo("web@2", { files, pieceLength });
    for (const bytes of [0, 100_000, 131_072, 150_000]) {
      const common = { info: before, bytes };
      assert.deepEqual(await createInfo("web@2", { files, pieceLength, common }), whole, `${bytes} bytes`);
    }
    const common = { info: before, bytes: 100_000 };
    const other = await createInfo("web@2", { files, pieceLength: 2 * pieceLength, common });
    assert.deepEqual(other, await createInfo("web@2", { files, pieceLength: 2 * pieceLength }));
    // proves that it is not read again: a changed file goes unnoticed
    await Deno.writeFile(a.path, noise(100_000));
    const hashes = (info: Info) => Buffer.from(info.pieceHashes).toString("hex");
    assert.equal(
      hashes(await createInfo("web@2", { files, pieceLength, common })).slice(0, 120),
      hashes(whole).slice(0, 120),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
