/** Subvolumes of a btrfs on a loop device: made, found, closed and made again. */
import assert from "node:assert/strict";
import { openSubvolumes, subvolumesAmiss } from "../../agent/install/disk/btrfs_subvolumes.ts";
import { defaultSubvolumeOf, spacesOf, subvolumesOf } from "../../agent/sys/btrfs.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { close, O, openAt } from "../../agent/sys/libc.ts";
import type { BytePath } from "#contract/format/byte_path.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks(["mkfs.btrfs", "btrfs"]);
if (missing) console.log(`skipped: subvolumes of btrfs: ${missing}`);

const PLAN = {
  paths: ["@", "@home", "@snap\nshot", "@/var/lib/machines"],
  readOnly: ["@snap\nshot"],
  default: "@",
};

/** What the kernel says of the file system whose top is mounted at `top`. */
function found(top: string) {
  const fd = openAt(-100, top as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  try {
    const all = subvolumesOf(fd);
    const pathOf = (id: number): string => {
      const own = all.find((s) => s.id === id);
      return own === undefined ? "" : `${pathOf(own.parent)}/${own.path}`;
    };
    return {
      paths: Object.fromEntries(all.map(({ id, readOnly }) => [pathOf(id), readOnly])),
      default: pathOf(defaultSubvolumeOf(fd)),
      spaces: spacesOf(fd).length,
    };
  } finally {
    close(fd);
  }
}

Deno.test({
  name:
    "the subvolumes of a plan are made once, stay writable until they are closed, and come back if deleted",
  ignore: missing !== undefined,
  async fn() {
    await using disk = await LoopDisk.make({ sizeBytes: 200 << 20 });
    await run(["mkfs.btrfs", "-q", disk.device]);
    const devices = [disk.device], at = await Deno.makeTempDir();
    const onTop = async <T>(work: () => T | Promise<T>) => {
      await using _top = await Mount.at(at, { source: disk.device, type: "btrfs", data: "subvolid=5" });
      return await work();
    };
    const snapshot = `${at}/@snap\nshot/file`;

    const missing = PLAN.paths.map((path) => `the subvolume ${path} is missing`);
    assert.deepEqual(await subvolumesAmiss(devices, PLAN), missing);
    {
      await using _open = await openSubvolumes(devices, PLAN);
      await onTop(() => Deno.writeTextFileSync(snapshot, "x"));
    }
    const { spaces, ...facts } = await onTop(() => found(at));
    assert.deepEqual(facts, {
      paths: { "/@": false, "/@home": false, "/@snap\nshot": true, "/@/var/lib/machines": false },
      default: "/@",
    });
    assert(spaces >= 3);
    await onTop(() => assert.throws(() => Deno.writeTextFileSync(snapshot, "y")));
    assert.deepEqual(await subvolumesAmiss(devices, PLAN), []);

    await onTop(() => run(["btrfs", "-q", "subvolume", "delete", `${at}/@home`]));
    assert.deepEqual(await subvolumesAmiss(devices, PLAN), ["the subvolume @home is missing"]);
    {
      await using _open = await openSubvolumes(devices, PLAN);
      assert.deepEqual(await subvolumesAmiss(devices, PLAN), ["the subvolume @snap\nshot is not read-only"]);
      await onTop(() => Deno.writeTextFileSync(snapshot, "y"));
    }
    assert.deepEqual(await subvolumesAmiss(devices, PLAN), []);
    assert.equal(await onTop(() => Deno.readTextFileSync(snapshot)), "y");

    const odd = { paths: ["link"], readOnly: [] };
    await onTop(() => Deno.symlinkSync("/etc", `${at}/link`));
    await assert.rejects(openSubvolumes(devices, odd), /something else has its name/);
    assert.deepEqual(await subvolumesAmiss(devices, odd), ["the subvolume link is missing"]);
    await Deno.remove(at);
  },
});
