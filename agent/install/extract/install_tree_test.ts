import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import { needs } from "../../../test/support/needs.ts";
import { flipBit } from "../../../test/support/flip_bit.ts";
import { common, type Image, key, makeImage } from "../../../test/support/small_image.ts";
import { Mount } from "../../sys/mount.ts";
import { installTree } from "./install_tree.ts";
import type { InstallOptions } from "./install_options.ts";

async function* broken(): AsyncGenerator<number> {
  yield 0;
  throw new RackseedError("cannot fetch", { reason: "no peers.", remedy: "none." });
}

async function* order(...frames: number[]): AsyncGenerator<number> {
  yield* frames;
}

function install({ manifest, target, pack }: Image, options: Partial<InstallOptions> = {}) {
  const packs = { path: () => pack };
  return installTree({ manifest, key, target, packs, frames: order(2, 0, 1), workers: 2, ...options });
}

/** Flips a bit of a frame in its pack; flipping it again repairs the frame. */
function flipByte({ manifest, pack }: Image, frame: number): void {
  flipBit(pack, (manifest.frames[frame]?.offset ?? 0) + 40);
}

Deno.test("frames in any order, even repeated, make the tree", async () => {
  using image = makeImage();
  const progress: number[] = [];
  const installed = await install(image, {
    frames: order(1, 1, 0, 2, 2),
    onProgress: ({ bytesDone, bytesTotal, framesTotal }) => {
      assert.deepEqual([bytesTotal, framesTotal], [21_000, 3]);
      progress.push(bytesDone);
    },
  });
  assert.deepEqual(installed, { files: 3, bytes: 21_000, notes: [] });
  assert.equal(progress.at(-1), 21_000);
  const b = Deno.readFileSync(`${image.target}/b`);
  assert.equal(b.length, 20_000);
  assert.deepEqual(Buffer.from(b.subarray(5000, 10_000)), Buffer.alloc(5000, "b1"));
  assert.deepEqual(Deno.readFileSync(`${image.target}/c`), new Uint8Array(b.subarray(10_000, 15_000)));
  assert.equal(Deno.statSync(`${image.target}/b`).mtime?.getTime(), 1_700_000_000_123);
});

Deno.test("a target that is not empty, or not a directory, is refused and left as it is", async () => {
  using image = makeImage();
  Deno.writeTextFileSync(`${image.target}/precious`, "x");
  await assert.rejects(install(image), (error) => {
    assert.ok(error instanceof RackseedError);
    assert.match(error.message, /not empty: it holds precious.*empty directory/);
    return true;
  });
  assert.deepEqual([...Deno.readDirSync(image.target)].map((e) => e.name), ["precious"]);
  await assert.rejects(install({ ...image, target: image.pack }), /ENOTDIR/);
  await assert.rejects(install({ ...image, target: `${image.target}/nowhere` }), /ENOENT/);
  Deno.removeSync(`${image.target}/precious`);
  Deno.mkdirSync(`${image.target}/empty`);
  await assert.rejects(install(image), /it holds empty/);
});

Deno.test("the lost+found of a new file system does not matter", async () => {
  using image = makeImage();
  Deno.mkdirSync(`${image.target}/lost+found`);
  assert.equal((await install(image)).files, 3);
});

Deno.test({
  name: "new file systems mounted inside are installed into; any with content are refused",
  ...needs({ root: true }),
  fn: async () => {
    const directory = (path: string): Entry<FrameExtent> => (
      { type: "directory", path: path as BytePath, ...common, mode: 0o755 }
    );
    using image = makeImage([directory("d"), directory("d/e")]);
    const inner = `${image.target}/d/e`;
    Deno.mkdirSync(inner, { recursive: true });
    await using _mounted = await Mount.at(inner, { source: "tmpfs", type: "tmpfs" });
    Deno.writeTextFileSync(`${inner}/precious`, "x");
    await assert.rejects(install(image), /it holds d\/e\/precious/);
    Deno.removeSync(`${inner}/precious`);
    assert.equal((await install(image)).files, 3);
    Deno.writeTextFileSync(`${inner}/later`, "it is still the mounted one");
  },
});

Deno.test("a bad frame is reported, and nothing of it is written", async () => {
  using image = makeImage();
  flipByte(image, 0);
  await assert.rejects(install(image), (error) => {
    assert.ok(error instanceof RackseedError);
    assert.match(error.title, /frame 0/);
    return true;
  });
  assert.throws(() => Deno.statSync(`${image.target}/a`), Deno.errors.NotFound);
});

Deno.test("a bad frame is read again once it has been fetched again", async () => {
  using image = makeImage();
  flipByte(image, 1);
  const bad: number[] = [];
  await install(image, {
    onBadFrame: (frame) => {
      bad.push(frame);
      flipByte(image, 1);
      return Promise.resolve();
    },
  });
  assert.deepEqual(bad, [1]);
  assert.deepEqual(
    Buffer.from(Deno.readFileSync(`${image.target}/b`).subarray(5000, 10_000)),
    Buffer.alloc(5000, "b1"),
  );
});

Deno.test("a frame that stays bad is given up", async () => {
  using image = makeImage();
  flipByte(image, 1);
  let times = 0;
  const onBadFrame = () => Promise.resolve(void times++);
  await assert.rejects(install(image, { onBadFrame }), /frame 1/);
  assert.equal(times, 4);
});

Deno.test("a frame with the right key but from another place is bad", async () => {
  using image = makeImage();
  const [first, second] = image.manifest.frames;
  assert.ok(first && second);
  const bytes = Deno.readFileSync(image.pack);
  assert.equal(first.sealedBytes, second.sealedBytes);
  bytes.copyWithin(first.offset, second.offset, second.offset + second.sealedBytes);
  Deno.writeFileSync(image.pack, bytes);
  await assert.rejects(install(image), /frame 0.*another SHA-256/);
});

Deno.test("another key and a truncated pack make bad frames", async () => {
  {
    using image = makeImage();
    await assert.rejects(install(image, { key: randomBytes(32) }), /frame [012]/);
  }
  {
    using image = makeImage();
    Deno.truncateSync(image.pack, 100);
    await assert.rejects(install(image), /frame [012].*its pack ends before it/);
  }
});

Deno.test("missing frames and a failing source fail the install", async () => {
  {
    using image = makeImage();
    await assert.rejects(install(image, { frames: order(0, 2) }), /1 of its frames never arrived/);
  }
  {
    using image = makeImage();
    await assert.rejects(install(image, { frames: broken() }), /cannot fetch: no peers/);
  }
});

Deno.test("an install that waits for frames can be cancelled", async () => {
  using image = makeImage();
  const abort = new AbortController();
  const never = Promise.withResolvers<void>();
  async function* stuck(): AsyncGenerator<number> {
    yield 0;
    abort.abort(new Error("cancelled"));
    await never.promise;
  }
  await assert.rejects(install(image, { frames: stuck(), signal: abort.signal }), /cancelled/);
  never.resolve();
});

Deno.test(
  "a full target fails at once, even if frames are still to come",
  { ignore: Deno.uid() !== 0 },
  async () => {
    using image = makeImage();
    const run = (program: string, ...args: string[]) =>
      assert.ok(new Deno.Command(program, { args }).outputSync().success, program);
    run("mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", image.target);
    const never = Promise.withResolvers<void>();
    async function* stuck(): AsyncGenerator<number> {
      yield* [2, 0];
      await never.promise;
    }
    try {
      await assert.rejects(install(image, { frames: stuck() }), (error) => {
        assert.ok(error instanceof RackseedError);
        assert.match(error.message, /ENOSPC.*target is full/);
        return true;
      });
      never.resolve();
    } finally {
      run("umount", "-l", image.target);
    }
  },
);

Deno.test("without root, owners and devices are skipped and noted", async () => {
  const at = (path: string) => ({ ...common, path: path as BytePath, uid: 4242, gid: 4242 });
  using image = makeImage([
    { type: "directory", ...at("d"), mode: 0o755 },
    { type: "symlink", ...at("s"), target: "x" as BytePath },
  ]);
  const { notes } = await install(image, { privileged: false });
  const known = notes.filter((note) => note.startsWith("owner"));
  assert.equal(known.length, 1);
  assert.match(known[0] as string, /owner not kept (\d+) times, for instance: /);
  const status = Deno.lstatSync(`${image.target}/d`);
  assert.equal(status.uid, Deno.uid());
  assert.equal((status.mode ?? 0) & 0o777, 0o755);
});
