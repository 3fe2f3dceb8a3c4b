/** A clone's files are moved between its file systems: settings of the template are set aside below /var. */
import assert from "node:assert/strict";
import { Mount } from "../../agent/sys/mount.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";

Deno.test({
  name: "files and links are moved to a /var that is a file system of its own",
  ignore: Deno.uid() !== 0,
  async fn() {
    const root = await Deno.makeTempDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(root, { recursive: true }));
    await Deno.mkdir(`${root}/etc`);
    await Deno.writeTextFile(`${root}/etc/10-lan.network`, "[Match]\n");
    await Deno.chmod(`${root}/etc/10-lan.network`, 0o640);
    await Deno.chown(`${root}/etc/10-lan.network`, 12, 34);
    await Deno.symlink("10-lan.network", `${root}/etc/20-link.network`);
    stack.use(await Mount.at(`${root}/var`, { source: "tmpfs", type: "tmpfs" }));
    const clone = new CloneTree(root), aside = "/var/lib/rackseed/aside";
    for (const name of ["10-lan.network", "20-link.network"]) {
      await clone.move(`/etc/${name}`, `${aside}/etc/${name}`);
    }
    assert.deepEqual([...Deno.readDirSync(`${root}/etc`)], []);
    const { mode, uid, gid } = await Deno.lstat(`${root}${aside}/etc/10-lan.network`);
    assert.deepEqual([(mode ?? 0) & 0o7777, uid, gid], [0o640, 12, 34]);
    assert.equal(await Deno.readTextFile(`${root}${aside}/etc/10-lan.network`), "[Match]\n");
    assert.equal(await Deno.readLink(`${root}${aside}/etc/20-link.network`), "10-lan.network");
  },
});
