import assert from "node:assert/strict";
import { directorySource } from "./directory_source.ts";
import { type FileSource, resolvePath } from "./file_source.ts";

async function withTree(test: (source: FileSource, root: string) => Promise<void>): Promise<void> {
  const scratch = await Deno.makeTempDir();
  const root = `${scratch}/root`;
  try {
    await Deno.mkdir(`${root}/usr/bin`, { recursive: true });
    await Deno.mkdir(`${root}/etc`);
    await Deno.writeTextFile(`${scratch}/outside`, "outside");
    await Deno.writeTextFile(`${root}/outside`, "inside");
    await Deno.writeTextFile(`${root}/usr/bin/dash`, "dash");
    await Deno.symlink("usr/bin", `${root}/bin`);
    await Deno.symlink("dash", `${root}/usr/bin/sh`);
    await Deno.symlink("/bin/sh", `${root}/etc/shell`);
    await Deno.symlink("../../../outside", `${root}/etc/up`);
    await Deno.symlink("/..", `${root}/etc/root`);
    await Deno.symlink("b", `${root}/etc/a`);
    await Deno.symlink("a", `${root}/etc/b`);
    await test(await directorySource(root), root);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

Deno.test("links are followed inside the source, and reported", async () => {
  await withTree(async (source) => {
    const resolved = await resolvePath(source, "/etc/shell");
    assert.equal(resolved?.path, "/usr/bin/dash");
    assert.deepEqual(resolved?.links, [
      { path: "/etc/shell", target: "/bin/sh" },
      { path: "/bin", target: "usr/bin" },
      { path: "/usr/bin/sh", target: "dash" },
    ]);
  });
});

Deno.test("`..` does not climb above the root of the source", async () => {
  await withTree(async (source) => {
    const path = (await resolvePath(source, "/etc/up"))?.path;
    assert.equal(path, "/outside");
    assert.equal(new TextDecoder().decode(await source.read("/outside")), "inside");
    assert.equal((await resolvePath(source, "/etc/root/etc"))?.path, "/etc");
  });
});

Deno.test("circular links, missing files and files used as folders lead nowhere", async () => {
  await withTree(async (source) => {
    for (const path of ["/etc/a", "/usr/bin/none", "/usr/bin/dash/x"]) {
      assert.equal(await resolvePath(source, path), undefined);
    }
  });
});

Deno.test("a directory source itself follows no link", async () => {
  await withTree(async (source) => {
    assert.deepEqual(await source.lookup("/bin"), { type: "symlink", target: "usr/bin" });
    assert.equal(await source.lookup("/bin/dash"), undefined);
    await assert.rejects(source.read("/etc/up"), Deno.errors.NotFound);
    await assert.rejects(source.read("/etc/root/outside"), Deno.errors.NotFound);
    await assert.rejects(source.list("/bin"));
  });
});
