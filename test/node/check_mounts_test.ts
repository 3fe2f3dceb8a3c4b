/** A check of a machine on which much is mounted: only what its image describes is compared. */
import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import type { CheckResult } from "#contract/api/checks.ts";
import { checkNode } from "../../agent/check/check_node.ts";
import { Template } from "../oddities/carried_tree.ts";
import { missingForDisks } from "./loop_disk.ts";
import { MountedMachine } from "./mounted_machine.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk"]);
if (missing) console.log(`skipped: checks of machines with mounts: ${missing}`);

const lines = ({ differences }: CheckResult) =>
  differences.map(({ what, path, detail }) => `${what} ${path} ${detail ?? ""}`.trim());

/** The check that the machine's own agent would make. */
async function check(machine: MountedMachine, template: Template): Promise<CheckResult> {
  const order = {
    check: "c1",
    image: "test",
    version: 1,
    manifest: "a".repeat(64),
    keep: [],
    left: [],
    readsAll: false,
  };
  const manifest = new Uint8Array(zstdCompressSync(template.server.manifest));
  return await checkNode({ order, root: machine.root, manifest, beganMs: Date.now(), share: 1 });
}

Deno.test({
  name: "mounts over and into a machine's own file systems hide nothing and add nothing",
  ignore: missing !== undefined,
  async fn() {
    await using machine = await MountedMachine.make();
    await using template = new Template(await Deno.makeTempDir());
    const { mountPoints, layout } = await machine.facts();
    await template.capture(machine.root, { mountPoints, layout });
    assert.deepEqual(lines(await check(machine, template)), []);

    await machine.shell("echo more >> etc/hosts; echo more >> data/file; mkdir srv/added");
    await machine.shell(`mount -t tmpfs tmpfs etc; echo other > etc/passwd
      mount $DISK'p3' mnt; echo other > mnt/file
      mount --bind etc tmp`);
    await machine.fuse("srv", { dead: true });
    const expected = [
      "changed /data/file content: 13 bytes, not 8",
      "changed /etc/hosts content: 17 bytes, not 12",
      "foreign /srv/added a directory, with everything in it",
    ];
    const found = await check(machine, template);
    assert.deepEqual([lines(found), found.notes], [expected, []]);

    await machine.shell("umount data");
    const without = await check(machine, template);
    assert.deepEqual(lines(without), expected.slice(1));
    assert.deepEqual(without.notes, ["not compared, since its file system is not mounted: /data"]);
  },
});
