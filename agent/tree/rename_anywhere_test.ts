import assert from "node:assert/strict";
import { renameAnywhere } from "./rename_anywhere.ts";

Deno.test({
  name: "a file, a link and a folder are moved to another file system as they are",
  ignore: !isOnAnother("/dev/shm"),
  async fn() {
    const from = await Deno.makeTempDir(), to = await Deno.makeTempDir({ dir: "/dev/shm" });
    try {
      await Deno.mkdir(`${from}/folder`);
      await Deno.writeTextFile(`${from}/folder/file`, "text", { mode: 0o640 });
      await Deno.symlink("file", `${from}/folder/link`);
      await Deno.utime(`${from}/folder/file`, 1000, 2000);
      await Deno.writeTextFile(`${to}/folder`, "in its place");
      await renameAnywhere(`${from}/folder`, `${to}/folder`);
      const { mode, mtime } = await Deno.stat(`${to}/folder/file`);
      assert.equal(await Deno.readTextFile(`${to}/folder/file`), "text");
      assert.deepEqual([(mode ?? 0) & 0o7777, mtime?.getTime()], [0o640, 2_000_000]);
      assert.equal(await Deno.readLink(`${to}/folder/link`), "file");
      await assert.rejects(Deno.lstat(`${from}/folder`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(from, { recursive: true });
      await Deno.remove(to, { recursive: true });
    }
  },
});

function isOnAnother(folder: string): boolean {
  try {
    return Deno.statSync(folder).dev !== Deno.statSync("/tmp").dev;
  } catch {
    return false;
  }
}
