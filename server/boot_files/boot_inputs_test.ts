import assert from "node:assert/strict";
import { areSameInputs, AskedSource, type ImageSource } from "./boot_inputs.ts";

type Files = Readonly<Record<string, string>>;

/** Files by path; a folder is what files lie in. */
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

async function ask(source: AskedSource): Promise<void> {
  await source.read("/a/read");
  await source.lookup("/a/seen");
  await source.lookup("/a/none");
  await source.list("/b");
  await source.list("/b");
}

const cases: [what: string, now: Files, same: boolean][] = [
  ["nothing changed", files, true],
  ["a file changed that nobody asked for", { ...files, "/c": "4", "/a/x": "5" }, true],
  ["a file that was only looked at has other bytes", { ...files, "/a/seen": "33" }, true],
  ["a file that was read has other bytes", { ...files, "/a/read": "2" }, false],
  ["a file that was looked at has another size", { ...files, "/a/seen": "333" }, false],
  ["a file came that was looked for", { ...files, "/a/none": "" }, false],
  ["a file came into a folder that was listed", { ...files, "/b/z": "" }, false],
  ["a folder that was listed is gone", { "/a/read": "1", "/a/seen": "22", "/c": "3" }, false],
];
for (const [what, now, same] of cases) {
  Deno.test(`where ${what}, boot files are ${same ? "taken over" : "made again"}`, async () => {
    const asked = new AskedSource(sourceOf(files));
    await ask(asked);
    const inputs = await asked.inputs("terms");
    assert.equal(await areSameInputs(inputs, { terms: "terms", source: sourceOf(now) }), same);
    assert.equal(await areSameInputs(inputs, { terms: "others", source: sourceOf(now) }), false);
  });
}

Deno.test("a source that notes what it is asked answers as the one behind it", async () => {
  const asked = new AskedSource(sourceOf(files));
  assert.deepEqual(await asked.lookup("/a"), { type: "directory" });
  assert.deepEqual(await asked.list("/a"), ["read", "seen", "x"]);
  assert.equal(new TextDecoder().decode(await asked.read("/c")), "3");
});
