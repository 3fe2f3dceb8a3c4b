import assert from "node:assert/strict";
import { parseMountTable } from "../sys/mount_table.ts";
import { LocalTree } from "./local_tree.ts";

const CASES: [name: string, mount: string, isThere: boolean][] = [
  ["on the root", "1 0 0:30 / / rw - overlay overlay rw", true],
  ["on a partition", "2 1 8:3 / DIR rw - ext4 /dev/sda3 rw", true],
  ["on a network mount", "2 1 0:50 / DIR rw - nfs4 nas:/x rw", false],
  ["on a FUSE mount, such as Proxmox's /etc/pve", "2 1 0:51 / DIR rw - fuse /dev/fuse rw", false],
];

for (const [name, mount, isThere] of CASES) {
  Deno.test(`a file of the running machine is ${isThere ? "read" : "ignored"}: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/file`, "text");
      const table = parseMountTable(new TextEncoder().encode(`${mount.replace("DIR", folder)}\n`));
      const tree = new LocalTree("/", table);
      assert.equal(await tree.text(`${folder}/file`), isThere ? "text" : undefined);
      assert.deepEqual(await tree.list(folder), isThere ? [`${folder}/file`] : []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
