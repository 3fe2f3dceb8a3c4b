import assert from "node:assert/strict";
import { comparePaths } from "#contract/format/byte_path.ts";
import { type Entry, type HashedExtent, parseHashedEntry } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ExtentSink } from "./capture_source.ts";
import { compileExcludes } from "../tree/excludes.ts";
import { TreeSource } from "./tree_source.ts";

const { signal } = new AbortController();

/** Discards contents; `onTake` runs while a file is being read. */
function sink(onTake: () => void = () => {}): ExtentSink {
  return {
    take: () => {
      onTake();
      return "A".repeat(43);
    },
    room: (sizeBytes) => new Uint8Array(sizeBytes),
    full: false,
    drained: () => Promise.resolve(),
  };
}

async function read(tree: TreeSource, into = sink()): Promise<Entry<HashedExtent>[]> {
  const lines = await Array.fromAsync(tree.entries(into, { signal, onProgress: () => {} }));
  return lines.map(({ line }) => parseHashedEntry(line));
}

function source(root: string, excludes: string[] = []): TreeSource {
  return new TreeSource(root, { excludes: compileExcludes(excludes), mountPoints: [] });
}

async function inTree(work: (root: string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync();
  try {
    await work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("entries come in manifest order, the root first", () =>
  inTree(async (root) => {
    for (const path of ["a", "a-b", "a.b", "B", "z"]) Deno.mkdirSync(`${root}/${path}`);
    for (const path of ["a/x", "a-b/x", "a!", "aa", "z/é"]) Deno.writeTextFileSync(`${root}/${path}`, path);
    const paths = (await read(source(root))).map((e) => e.path);
    assert.equal(paths[0], "");
    assert.equal(paths.length, 11);
    assert.deepEqual(paths, paths.toSorted(comparePaths));
  }));

Deno.test("an excluded directory is left out with its contents, its siblings stay", () =>
  inTree(async (root) => {
    Deno.mkdirSync(`${root}/tmp/deep`, { recursive: true });
    Deno.mkdirSync(`${root}/gone/deep`, { recursive: true });
    for (const path of ["tmp/x", "tmp/deep/x", "gone/x", "kept"]) {
      Deno.writeTextFileSync(`${root}/${path}`, "x");
    }
    const paths = (await read(source(root, ["/tmp/*", "/gone"]))).map((e) => e.path);
    assert.deepEqual(paths, ["", "kept", "tmp"]);
  }));

Deno.test("measuring counts each file once, and only stored bytes", () =>
  inTree(async (root) => {
    Deno.writeFileSync(`${root}/a`, new Uint8Array(10_000).fill(1));
    Deno.linkSync(`${root}/a`, `${root}/b`);
    Deno.writeTextFileSync(`${root}/hole`, "");
    Deno.truncateSync(`${root}/hole`, 1 << 30);
    assert.deepEqual(await source(root).measure({ signal, onProgress: () => {} }), {
      files: 2,
      bytes: 10_000,
    });
  }));

Deno.test("a file that keeps changing is captured after three readings, and noted", () =>
  inTree(async (root) => {
    Deno.writeTextFileSync(`${root}/log`, "0");
    let readings = 0;
    const tree = source(root);
    const entries = await read(
      tree,
      sink(() => Deno.writeTextFileSync(`${root}/log`, "0".repeat(++readings + 1))),
    );
    assert.equal(readings, 3);
    assert.deepEqual(tree.notes, ["captured while changing, it differed at every reading: log"]);
    const file = entries.find((e) => e.path === "log");
    assert.ok(file?.type === "file");
    assert.deepEqual(file.extents.map((e) => [e.offset, e.sizeBytes]), [[0, file.sizeBytes]]);
  }));

Deno.test("a file that changes once is read again, and not noted", () =>
  inTree(async (root) => {
    Deno.writeTextFileSync(`${root}/log`, "0");
    let changes = 0;
    const tree = source(root);
    const entries = await read(
      tree,
      sink(() => changes++ === 0 && Deno.writeTextFileSync(`${root}/log`, "longer")),
    );
    assert.deepEqual(tree.notes, []);
    assert.ok(entries.some((e) => e.type === "file" && e.sizeBytes === 6));
  }));

Deno.test("a file that vanishes during the capture is noted and left out", () =>
  inTree(async (root) => {
    for (const path of ["a", "b", "c"]) Deno.writeTextFileSync(`${root}/${path}`, path);
    const tree = source(root);
    const remove = () => {
      try {
        Deno.removeSync(`${root}/b`);
      } catch (error) {
        assert.ok(error instanceof Deno.errors.NotFound);
      }
    };
    const paths = (await read(tree, sink(remove))).map((e) => e.path);
    assert.deepEqual(paths, ["", "a", "c"]);
    assert.deepEqual(tree.notes, ["left out, it vanished during the capture: b"]);
  }));

Deno.test("a missing root is a clear error", async () => {
  await assert.rejects(read(source("/nowhere/at/all")), (error) => {
    assert.ok(error instanceof RackseedError);
    assert.match(error.message, /cannot capture \/nowhere\/at\/all.*ENOENT.*--root/);
    return true;
  });
});
