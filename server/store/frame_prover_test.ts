import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { seal } from "#native/testing/seal.ts";
import { DataDirectory } from "./data_directory.ts";
import { openDatabase } from "./database.ts";
import { FramePool } from "./frame_pool.ts";
import { FrameProver } from "./frame_prover.ts";
import { Lineages } from "./lineages.ts";
import { Packs } from "./packs.ts";

/** A part file that grows by frames, and what proves it. */
async function inPack(
  work: (pack: {
    readonly prover: FrameProver;
    readonly packs: Packs;
    readonly id: number;
    readonly path: string;
    /** Writes these frames and registers them, after `gap` bytes that belong to none. Returns their ids. */
    grow(frames: readonly Uint8Array[], options?: { gap?: number }): number[];
    /** `hashes`: whether the pool's workers can continue a hash. */
    newProver(options?: { hashes: boolean }): FrameProver;
    frame(rawBytes?: number): Uint8Array;
  }) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    const directory = new DataDirectory(folder);
    using db = openDatabase(":memory:");
    using pool = new FramePool({ workers: 2 });
    const lineage = new Lineages(db).findOrMake("web", {}), { key } = lineage;
    const packs = new Packs(db), part = packs.createPart(lineage.id, 0), path = directory.pack(part);
    const newProver = ({ hashes } = { hashes: true }) => {
      const without: Pick<FramePool, "prove" | "hashFile"> = {
        prove: (stretch) => pool.prove({ ...stretch, hash: undefined }),
        hashFile: (path) => pool.hashFile(path),
      };
      return new FrameProver(lineage, { pool: hashes ? pool : without, directory, packs });
    };
    let at = 0;
    const append = (bytes: Uint8Array) => {
      Deno.writeFileSync(path, bytes, { append: true });
      at += bytes.length;
    };
    await work({
      prover: newProver(),
      newProver,
      packs,
      id: part.id,
      path,
      frame: (rawBytes = 50_000) => seal(randomBytes(rawBytes), { key, level: 1 }),
      grow(frames, { gap = 0 } = {}) {
        if (gap > 0) append(randomBytes(gap));
        const ids = frames.map((sealed) => {
          const id = packs.addFrame(part.id, { at, sealedBytes: sealed.length, rawBytes: 1 });
          append(sealed);
          return id;
        });
        packs.grow(part.id, { sizeBytes: at, nowMs: 0 });
        return ids;
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const hashOf = (path: string) => createHash("sha256").update(Deno.readFileSync(path)).digest("hex");

Deno.test("a pack that grows is read back stretch by stretch, to the hash of its file", async () => {
  await inPack(async ({ prover, id, path, grow, frame }) => {
    grow([frame(), frame(1), frame(4 << 20)]);
    prover.advance(id);
    grow([frame(70_001)]);
    prover.advance(id);
    const whole = () => ({ sha256: hashOf(path), sizeBytes: Deno.statSync(path).size, damaged: [] });
    assert.deepEqual(await prover.finish(id), whole());
    grow([frame(), frame()]);
    assert.deepEqual(await prover.finish(id), whole(), "it grew after it was finished");
  });
});

Deno.test("a part of an earlier capture is proved from its start, over what its dropped frames left", async () => {
  await inPack(async ({ packs, id, path, grow, frame, newProver }) => {
    const [, dropped] = grow([frame(), frame(), frame()]);
    packs.deleteFrame(dropped as number);
    grow([frame()], { gap: 3 << 20 });
    const { sha256, damaged } = await newProver().finish(id);
    assert.deepEqual({ sha256, damaged }, { sha256: hashOf(path), damaged: [] });
  });
});

Deno.test("bytes behind the last registered frame belong to the hash of the file", async () => {
  await inPack(async ({ prover, id, path, grow, frame }) => {
    grow([frame()]);
    prover.advance(id);
    Deno.writeFileSync(path, randomBytes(100), { append: true });
    const { sha256, sizeBytes } = await prover.finish(id);
    assert.deepEqual({ sha256, sizeBytes }, { sha256: hashOf(path), sizeBytes: Deno.statSync(path).size });
  });
});

Deno.test("without OpenSSL the pack is hashed at the end", async () => {
  await inPack(async ({ id, path, grow, frame, newProver }) => {
    const prover = newProver({ hashes: false });
    for (let i = 0; i < 2; i++) {
      grow([frame(), frame()]);
      prover.advance(id);
    }
    const { sha256, damaged } = await prover.finish(id);
    assert.deepEqual({ sha256, damaged }, { sha256: hashOf(path), damaged: [] });
  });
});

Deno.test("every frame that is not what was written is found", async () => {
  await inPack(async ({ prover, packs, id, path, grow, frame }) => {
    const ids = grow([frame(), frame(), frame(), frame()]);
    const [, second, , fourth] = packs.frames(id);
    using file = Deno.openSync(path, { write: true });
    file.seekSync((second?.at ?? 0) + 40_000, Deno.SeekMode.Start);
    file.writeSync(randomBytes(8));
    file.truncateSync((fourth?.at ?? 0) + 100);
    prover.advance(id);
    const { damaged, sizeBytes } = await prover.finish(id);
    assert.deepEqual(damaged.map((f) => f.id), [ids[1], ids[3]]);
    assert.equal(sizeBytes, (fourth?.at ?? 0) + 100);
  });
});

Deno.test("if a pack is gone, the caller of finish gets the error, and nothing else fails", async () => {
  await inPack(async ({ prover, id, path, grow, frame }) => {
    grow([frame()]);
    Deno.removeSync(path);
    prover.advance(id);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await assert.rejects(prover.finish(id), { code: "ENOENT" });
  });
});
