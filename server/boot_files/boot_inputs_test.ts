import assert from "node:assert/strict";
import { areSameInputs, type ImageSource, RecordingSource } from "./boot_inputs.ts";

type Files = Readonly<Record<string, string>>;

/** Files by path; a folder is any path with files below it. */
function sourceOf(files: Files): ImageSource {
  const below = (path: string) => Object.keys(files).filter((name) => name.startsWith(`${path}/`));
  return {
    lookup: (path) =>
      Promise.resolve(
        files[path] !== undefined
          ? { type: "file", mode: 0o644, sizeBytes: files[path].length }
          : below(path).length > 0
          ? { type: "directory" }
          : undefined,
      ),
    read: (path) => Promise.resolve(new TextEncoder().encode(files[path])),
    list: (path) =>
      Promise.resolve([
        ...new Set(below(path).map((name) => name.slice(path.length + 1).split("/")[0] as string)),
      ]),
    identity: (path) => files[path],
  };
}

const files: Files = { "/a/read": "1", "/a/seen": "22", "/a/x": "", "/b/y": "", "/c": "3" };

async function ask(source: RecordingSource): Promise<void> {
  await source.read("/a/read");
  await source.lookup("/a/seen");
  await source.lookup("/a/none");
  await source.list("/b");
  await source.list("/b");
}

const cases: [what: string, now: Files, same: boolean][] = [
  ["nothing changed", files, true],
  ["an unused file changed", { ...files, "/c": "4", "/a/x": "5" }, true],
  ["a file whose status alone was used has other bytes", { ...files, "/a/seen": "33" }, true],
  ["a file that was read has other bytes", { ...files, "/a/read": "2" }, false],
  ["a file whose status was used has another size", { ...files, "/a/seen": "333" }, false],
  ["a file that was missing exists", { ...files, "/a/none": "" }, false],
  ["a listed folder has a new file", { ...files, "/b/z": "" }, false],
  ["a listed folder is gone", { "/a/read": "1", "/a/seen": "22", "/c": "3" }, false],
];
for (const [what, now, same] of cases) {
  Deno.test(`if ${what}, boot files are ${same ? "reused" : "made again"}`, async () => {
    const asked = new RecordingSource(sourceOf(files));
    await ask(asked);
    const inputs = await asked.inputs("terms");
    assert.equal(await areSameInputs(inputs, { terms: "terms", source: sourceOf(now) }), same);
    assert.equal(await areSameInputs(inputs, { terms: "others", source: sourceOf(now) }), false);
  });
}

Deno.test("a recording source answers as the source behind it", async () => {
  const asked = new RecordingSource(sourceOf(files));
  assert.deepEqual(await asked.lookup("/a"), { type: "directory" });
  assert.deepEqual(await asked.list("/a"), ["read", "seen", "x"]);
  assert.equal(new TextDecoder().decode(await asked.read("/c")), "3");
});
