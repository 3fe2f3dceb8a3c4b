/** Subvolumes of a btrfs on a loop device: made, found, closed and made again. */
import assert from "node:assert/strict";
import {
  closeSubvolumes,
  missingSubvolumes,
  prepareSubvolumes,
  withTop,
} from "../../agent/install/disk/btrfs_subvolumes.ts";
import { defaultSubvolumeOf, spacesOf, subvolumesOf } from "../../agent/sys/btrfs.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
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
    const at = await Deno.makeTempDir();
    const onTop = <T>(work: (top: string) => T) => withTop([disk.device], { at, work });

    assert.deepEqual(
      await onTop((top) => missingSubvolumes(top, PLAN)),
      PLAN.paths.map((path) => `the subvolume ${path} is missing`),
    );
    assert.deepEqual(await onTop((top) => prepareSubvolumes(top, PLAN)), PLAN.paths);
    assert.deepEqual(await onTop((top) => prepareSubvolumes(top, PLAN)), []);
    await onTop((top) => Deno.writeTextFileSync(`${top}/@snap\nshot/file`, "x"));
    await onTop((top) => closeSubvolumes(top, PLAN));
    const { spaces, ...facts } = await onTop(found);
    assert.deepEqual(facts, {
      paths: { "/@": false, "/@home": false, "/@snap\nshot": true, "/@/var/lib/machines": false },
      default: "/@",
    });
    assert(spaces >= 3);
    await onTop((top) => assert.throws(() => Deno.writeTextFileSync(`${top}/@snap\nshot/file`, "y")));
    assert.deepEqual(await onTop((top) => missingSubvolumes(top, PLAN)), []);

    await onTop((top) =>
      new Deno.Command("btrfs", { args: ["-q", "subvolume", "delete", `${top}/@home`] }).outputSync()
    );
    assert.deepEqual(await onTop((top) => missingSubvolumes(top, PLAN)), ["the subvolume @home is missing"]);
    assert.deepEqual(await onTop((top) => prepareSubvolumes(top, PLAN)), ["@home"]);
    assert.deepEqual(await onTop((top) => missingSubvolumes(top, PLAN)), [
      "the subvolume @snap\nshot is not read-only",
    ]);

    const odd = { paths: ["link"], readOnly: [] };
    await onTop((top) => Deno.symlinkSync("/etc", `${top}/link`));
    await assert.rejects(onTop((top) => prepareSubvolumes(top, odd)), /something else has its name/);
    assert.deepEqual(await onTop((top) => missingSubvolumes(top, odd)), ["the subvolume link is missing"]);
    await Deno.remove(at);
  },
});
