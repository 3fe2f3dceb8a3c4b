import assert from "node:assert/strict";
import { TreeReader } from "./tree_files.ts";

Deno.test("names are looked up without a turn of the event loop: an identity takes a thousand look-ups", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${root}/hostname`, "web\n");
    await Deno.symlink("hostname", `${root}/name`);
    const tree = new TreeReader(root);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const found: unknown[] = [];
    for (const path of ["/hostname", "/name", "/missing", "/missing/below"]) {
      for (let i = 0; i < 100; i++) found.push(await tree.kind(path));
    }
    clearInterval(timer);
    assert.equal(turns, 0);
    const kinds = ["file", "symlink", undefined, undefined];
    assert.deepEqual(found, kinds.flatMap((kind) => new Array(100).fill(kind)));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a path behind a link that leads out of the tree is a rejection, not an exception", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.symlink("/etc", `${root}/etc`);
    const looked = new TreeReader(root).kind("/etc/passwd");
    await assert.rejects(looked, /leads out of the tree/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
