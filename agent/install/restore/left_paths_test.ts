import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import type { Action } from "#plan/actions.ts";
import { installImage } from "../../../test/support/install_image.ts";
import { common, makeImage } from "../../../test/support/small_image.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { findExisting } from "../compare/existing.ts";
import { LEFT_ALONE } from "../extract/frame_plan.ts";
import { leftPaths } from "./left_paths.ts";

const at = (path: string) => ({
  ...common,
  path: path as BytePath,
  uid: Deno.uid() ?? 0,
  gid: Deno.gid() ?? 0,
});
const file = (path: string): Entry<FrameExtent> => ({ type: "file", ...at(path), sizeBytes: 0, extents: [] });
const directory = (path: string): Entry<FrameExtent> => ({ type: "directory", ...at(path) });

Deno.test("nothing is written below a mount point that is left alone, but for file systems of ours below it", async () => {
  const more = [
    ...["srv", "srv/data", "srv/data/ours"].map(directory),
    ...["srv/data/ours/file", "srv/data/theirs", "srv/database"].map(file),
  ];
  using image = makeImage(more);
  const mount: Action = {
    do: "mount",
    volume: { kind: "disk", disk: 0 },
    type: "ext4",
    mountPoint: "/srv/data/ours",
  };
  const own = leftPaths({ left: { mountPoints: ["/srv/data"], notes: [] }, actions: [mount] });
  Deno.mkdirSync(`${image.target}/srv/data/ours`, { recursive: true });
  const root = openAt(AT_FDCWD, image.target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  try {
    const { manifest } = image, privileged = Deno.uid() === 0;
    const found = await findExisting(root, { manifest, own, makeReadable: true, privileged, workers: 1 });
    const left = manifest.entries.filter((_, i) => found.states[i] === LEFT_ALONE);
    assert.deepEqual(left.map(({ path }) => path), ["srv/data", "srv/data/theirs"]);
    assert.deepEqual(found.remove, []);
    await installImage(image, [0, 1, 2], found);
  } finally {
    close(root);
  }
  const names = (path: string) =>
    Array.from(Deno.readDirSync(`${image.target}/${path}`), ({ name }) => name).sort();
  assert.deepEqual(names("srv"), ["data", "database"]);
  assert.deepEqual(names("srv/data"), ["ours"]);
  assert.deepEqual(names("srv/data/ours"), ["file"]);
});
