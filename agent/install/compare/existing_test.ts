import assert from "node:assert/strict";
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import { describeDifference, dumpTree } from "../../../scripts/demo/dump_tree.ts";
import { needs } from "../../../test/support/needs.ts";
import { common, type Image, makeImage } from "../../../test/support/small_image.ts";
import { compileExcludes } from "../../tree/excludes.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD, close, O, openAt } from "../../sys/libc.ts";
import { Mount } from "../../sys/mount.ts";
import { xattrsOf } from "../../sys/xattr.ts";
import { type ExistingTree, findExisting } from "./existing.ts";
import { installImage as install } from "../../../test/support/install_image.ts";
import { neededFrames } from "./testing/needed_frames.ts";

const uid = Deno.uid() ?? 0, gid = Deno.gid() ?? 0;
const at = (path: string) => ({ ...common, path: path as BytePath, uid, gid });

/** Besides a, b and c: a setgid directory with a file, a hard link to a, a FIFO and a symlink. */
const more: Entry<FrameExtent>[] = [
  { type: "directory", ...at("d"), mode: 0o2750 },
  {
    type: "file",
    ...at("d/f"),
    mode: 0o4750,
    xattrs: [["user.note", new TextEncoder().encode("kept")]],
    sizeBytes: 1000,
    extents: [{ offset: 0, frame: 1, index: 0 }],
  },
  { type: "fifo", ...at("d/fifo") },
  { type: "link", path: "d/hard" as BytePath, target: "a" as BytePath },
  { type: "symlink", ...at("d/soft"), mode: 0o777, target: "../a" as BytePath },
  { type: "directory", ...at("e"), mode: 0o700 },
  { type: "file", ...at("empty"), sizeBytes: 0, extents: [] },
];

async function look(
  { manifest, target }: Image,
  { isExcluded }: Pick<Parameters<typeof findExisting>[1], "isExcluded"> = {},
): Promise<ExistingTree> {
  const root = openAt(-100, target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  try {
    return await findExisting(root, {
      manifest,
      makeReadable: true,
      privileged: uid === 0,
      workers: 2,
      isExcluded,
    });
  } finally {
    close(root);
  }
}

/** As find and sha256sum see it, plus hard links and extended attributes. */
async function seen(root: string): Promise<Awaited<ReturnType<typeof dumpTree>>> {
  const dump = await dumpTree(root);
  const lines = new Map(dump.lines);
  const inode = (path: string) => Deno.lstatSync(`${root}/${path}`).ino;
  lines.set("one file", String(inode("a") === inode("d/hard")));
  const fd = openAt(-100, `${root}/d/f` as BytePath, { flags: O.RDONLY });
  lines.set("attributes", JSON.stringify(xattrsOf(fd)));
  close(fd);
  return { ...dump, lines };
}

async function installed(): Promise<Image> {
  const image = makeImage(more);
  await install(image, [0, 1, 2]);
  return image;
}

function writeAt(path: string, text: string, offset: number): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(offset, Deno.SeekMode.Start);
  file.writeSync(new TextEncoder().encode(text));
}

Deno.test("a finished tree is in place: nothing is fetched and nothing is touched", async () => {
  using image = await installed();
  const before = await seen(image.target);
  const root = openAt(AT_FDCWD, bytePathOfText(image.target), { flags: O.RDONLY | O.DIRECTORY });
  using stack = new DisposableStack();
  stack.defer(() => close(root));
  const changed = (path: string) => {
    const { ctimeSec, ctimeNs } = statAt(root, bytePathOfText(path));
    return [ctimeSec, ctimeNs];
  };
  const times = ["a", "b", "d/f", "d/soft"].map(changed);
  const found = await look(image);
  assert.deepEqual(neededFrames(image.manifest, found), []);
  assert.deepEqual([found.remove, found.wrongAttributes.size, found.unknown], [[], 0, 0]);
  assert.ok(found.states.every((state) => state === 1));
  assert.deepEqual(await install(image, [], found), { files: 0, bytes: 0, notes: [] });
  assert.equal(describeDifference(before, await seen(image.target)), undefined);
  assert.deepEqual(["a", "b", "d/f", "d/soft"].map(changed), times);
});

Deno.test("what captures exclude stays, also in a directory that the image does not have", async () => {
  using image = await installed();
  const { target } = image;
  Deno.mkdirSync(`${target}/lvm/archive`, { recursive: true });
  for (const path of ["lvm/archive/a.vg", "lvm/stranger"]) Deno.writeTextFileSync(`${target}/${path}`, "x");
  Deno.mkdirSync(`${target}/other/below`, { recursive: true });
  const { matches: isExcluded } = compileExcludes(["/lvm/archive/*"]);
  const found = await look(image, { isExcluded });
  await install(image, neededFrames(image.manifest, found), found);
  const names = (path: string) => [...Deno.readDirSync(`${target}/${path}`)].map(({ name }) => name);
  assert.deepEqual([names("lvm"), names("lvm/archive")], [["archive"], ["a.vg"]]);
  assert.throws(() => Deno.statSync(`${target}/other`), Deno.errors.NotFound);
});

Deno.test("with more files than one thread scans, every damaged file is found", async () => {
  const many = Array.from({ length: 2300 }, (_, i): Entry<FrameExtent> => {
    const path = `m${String(i).padStart(4, "0")}`;
    const extents = i % 2 === 0 ? [{ offset: 0, frame: 1, index: 0 }] : [];
    return { type: "file", ...at(path), sizeBytes: extents.length * 1000, extents };
  });
  using image = makeImage(many);
  await install(image, [0, 1, 2]);
  const whole = (found: ExistingTree) => found.contents.whole.size;
  assert.equal(whole(await look(image)), 2303);
  for (const name of ["m0002", "m1000", "m2298"]) writeAt(`${image.target}/${name}`, "!", 999);
  const found = await look(image);
  assert.equal(whole(found), 2300);
  await install(image, neededFrames(image.manifest, found), found);
  assert.equal(whole(await look(image)), 2303);
});

interface Damage {
  readonly name: string;
  readonly harm: (root: string) => void;
  readonly frames: readonly number[];
}
const damages: Damage[] = [
  { name: "a flipped byte", harm: (root) => writeAt(`${root}/a`, "!", 500), frames: [0] },
  { name: "a flipped byte of a large file", harm: (root) => writeAt(`${root}/b`, "!", 7000), frames: [1] },
  { name: "a file cut off in its hole", harm: (root) => Deno.truncateSync(`${root}/b`, 16_000), frames: [] },
  {
    name: "a file cut off in an extent",
    harm: (root) => Deno.truncateSync(`${root}/b`, 12_000),
    frames: [2],
  },
  { name: "garbage in a hole", harm: (root) => writeAt(`${root}/b`, "!", 17_000), frames: [0, 1, 2] },
  { name: "a tail of garbage", harm: (root) => writeAt(`${root}/b`, "!", 20_000), frames: [0, 1, 2] },
  { name: "a small file with a tail", harm: (root) => writeAt(`${root}/c`, "!", 5000), frames: [2] },
  { name: "a missing file", harm: (root) => Deno.removeSync(`${root}/c`), frames: [2] },
  { name: "an empty file with content", harm: (root) => writeAt(`${root}/empty`, "!", 0), frames: [] },
  {
    name: "a file where a directory belongs",
    harm: (root) => {
      Deno.removeSync(`${root}/d`, { recursive: true });
      Deno.writeTextFileSync(`${root}/d`, "x");
    },
    frames: [1],
  },
  {
    name: "a full directory where a file belongs",
    harm: (root) => {
      Deno.removeSync(`${root}/a`);
      Deno.mkdirSync(`${root}/a/b/c`, { recursive: true, mode: 0o500 });
    },
    frames: [0],
  },
  { name: "another mode", harm: (root) => Deno.chmodSync(`${root}/d/f`, 0o600), frames: [] },
  { name: "another time", harm: (root) => Deno.utimeSync(`${root}/b`, 1, 1), frames: [] },
  {
    name: "extended attributes that do not belong",
    harm: (root) => {
      for (const args of [["-n", "user.strange", "-v", "x"], ["-x", "user.note"]]) {
        new Deno.Command("setfattr", { args: [...args, `${root}/d/f`] }).outputSync();
      }
    },
    frames: [],
  },
  {
    name: "an unreadable directory",
    harm: (root) => Deno.chmodSync(`${root}/d`, 0o000),
    frames: [],
  },
  {
    name: "a symlink that leads elsewhere",
    harm: (root) => {
      Deno.removeSync(`${root}/d/soft`);
      Deno.symlinkSync("/etc/passwd", `${root}/d/soft`);
    },
    frames: [],
  },
  {
    name: "a FIFO where a file belongs",
    harm: (root) => {
      Deno.removeSync(`${root}/c`);
      Deno.renameSync(`${root}/d/fifo`, `${root}/c`);
    },
    frames: [2],
  },
  {
    name: "a hard link that is a file of its own",
    harm: (root) => {
      Deno.removeSync(`${root}/d/hard`);
      Deno.copyFileSync(`${root}/a`, `${root}/d/hard`);
    },
    frames: [],
  },
  {
    name: "two files that are one",
    harm: (root) => {
      Deno.removeSync(`${root}/c`);
      Deno.linkSync(`${root}/b`, `${root}/c`);
    },
    frames: [0, 1, 2],
  },
  {
    name: "a file with a name outside of the image",
    harm: (root) => Deno.linkSync(`${root}/c`, `${root}/../name`),
    frames: [2],
  },
  {
    name: "files and directories that do not belong",
    harm: (root) => {
      Deno.writeTextFileSync(`${root}/d/new`, "x");
      Deno.mkdirSync(`${root}/x/y/z`, { recursive: true });
      Deno.symlinkSync("/", `${root}/x/root`);
      Deno.mkdirSync(`${root}/e/lost+found`);
    },
    frames: [],
  },
];

for (const { name, harm, frames } of damages) {
  Deno.test(`${name}: found and repaired from the frames it needs, no more`, async () => {
    using image = await installed();
    const before = await seen(image.target);
    harm(image.target);
    const found = await look(image);
    assert.deepEqual(neededFrames(image.manifest, found), frames);
    await install(image, frames, found);
    assert.equal(describeDifference(before, await seen(image.target)), undefined);
  });
}

Deno.test("a directory that became a symlink out of the tree is replaced, and the link's target is untouched", async () => {
  using image = await installed();
  const before = await seen(image.target);
  const outside = `${image.target}/../outside`;
  Deno.renameSync(`${image.target}/d`, outside);
  Deno.writeTextFileSync(`${outside}/f`, "precious");
  Deno.symlinkSync("../outside", `${image.target}/d`);
  const found = await look(image);
  await install(image, neededFrames(image.manifest, found), found);
  assert.equal(describeDifference(before, await seen(image.target)), undefined);
  assert.equal(Deno.readTextFileSync(`${outside}/f`), "precious");
  assert.ok(Deno.lstatSync(`${outside}/fifo`).isFifo);
});

Deno.test("an install interrupted after any frame is completed with the others", async () => {
  using whole = await installed();
  const wanted = await seen(whole.target);
  for (const first of [[], [0], [1], [2, 0], [1, 2]]) {
    using image = makeImage(more);
    await assert.rejects(install(image, first), /never arrived/);
    const found = await look(image);
    const needed = neededFrames(image.manifest, found);
    assert.deepEqual(needed, [0, 1, 2].filter((frame) => !first.includes(frame)));
    await install(image, needed, found);
    assert.equal(describeDifference(wanted, await seen(image.target)), undefined);
  }
});

Deno.test({
  name: "an extra directory with a file system mounted in it is not removed",
  ...needs({ root: true }),
  async fn() {
    using image = await installed();
    Deno.mkdirSync(`${image.target}/x/y`, { recursive: true });
    await using _mounted = await Mount.at(`${image.target}/x/y`, { source: "tmpfs", type: "tmpfs" });
    Deno.writeTextFileSync(`${image.target}/x/y/precious`, "x");
    const found = await look(image);
    await assert.rejects(install(image, [], found), (error) => {
      assert.ok(error instanceof RackseedError);
      assert.match(error.message, /x\/y.*a file system is mounted there/);
      return true;
    });
    assert.equal(Deno.readTextFileSync(`${image.target}/x/y/precious`), "x");
  },
});

Deno.test("a cancelled scan ends", async () => {
  using image = await installed();
  const root = openAt(-100, image.target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  const options = { manifest: image.manifest, makeReadable: false, privileged: true };
  await assert.rejects(
    findExisting(root, { ...options, signal: AbortSignal.abort(new Error("cancelled")) }),
    /cancelled/,
  );
  close(root);
});
