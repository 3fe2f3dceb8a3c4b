import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { RackseedError } from "#contract/errors.ts";
import { common, type Image, key, makeImage } from "../../../test/support/small_image.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { installTree } from "../extract/install_tree.ts";
import { describeDifferences, type Difference, differencesOf } from "./differences.ts";
import { KeptPaths } from "./kept_paths.ts";
import { type ExistingTree, findExisting } from "./existing.ts";
import { neededFrames } from "./testing/needed_frames.ts";

const own = { ...common, uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
const at = (path: string) => ({ ...own, path: path as BytePath });
const more: Entry<FrameExtent>[] = [
  { type: "link", path: "d" as BytePath, target: "a" as BytePath },
  { type: "symlink", ...at("s"), mode: 0o777, target: "a" as BytePath },
  { type: "directory", ...at("srv"), mode: 0o755 },
  { type: "file", ...at("srv/index"), sizeBytes: 1000, extents: [{ offset: 0, frame: 1, index: 0 }] },
];

async function* order(frames: readonly number[]): AsyncGenerator<number> {
  yield* frames;
}

const install = ({ manifest, target, pack }: Image, frames: readonly number[], existing?: ExistingTree) =>
  installTree({ manifest, key, target, packs: { path: () => pack }, frames: order(frames), existing });

async function look({ manifest, target }: Image, keep: readonly string[] = []): Promise<ExistingTree> {
  const root = openAt(-100, target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  try {
    const kept = KeptPaths.parse(keep);
    return await findExisting(root, { manifest, kept, makeReadable: false, privileged: Deno.uid() === 0 });
  } finally {
    close(root);
  }
}

const words = (list: readonly Difference[]) =>
  list.map((d) => `${d.what} ${d.path}${d.what === "content" ? ` ${d.bytes}` : ""}`);

function damage(target: string): void {
  using b = Deno.openSync(`${target}/b`, { write: true });
  b.seekSync(7000, Deno.SeekMode.Start);
  b.writeSync(new Uint8Array([33]));
  Deno.removeSync(`${target}/c`);
  Deno.chmodSync(`${target}/a`, 0o600);
  Deno.removeSync(`${target}/s`);
  Deno.mkdirSync(`${target}/s/deep`, { recursive: true });
  Deno.writeTextFileSync(`${target}/extra`, "x");
  Deno.writeTextFileSync(`${target}/srv/index`, "new page");
  Deno.writeTextFileSync(`${target}/srv/data`, "orders");
}

Deno.test("a tree that matches the image has no differences, and a dry run says so", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  const differences = differencesOf(image.manifest, { found: await look(image), extentService: true });
  assert.deepEqual(differences, { list: [], routes: [], fetchBytes: 0 });
  assert.deepEqual(describeDifferences(differences, { entries: 8, keep: [] }), [
    "nothing would change: all 8 entries are as the image has them",
    "to fetch: 0 bytes",
  ]);
});

Deno.test("every kind of difference is named, and the comparison changes nothing", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  damage(image.target);
  const found = await look(image);
  const { list } = differencesOf(image.manifest, { found, extentService: true });
  assert.deepEqual(words(list), [
    "attributes ",
    "attributes a",
    "content b 5000",
    "missing c",
    "other s",
    "attributes srv",
    "content srv/index 1000",
    "extra extra",
    "extra srv/data",
  ]);
  assert.equal(Deno.readTextFileSync(`${image.target}/extra`), "x");
});

Deno.test("kept paths are neither compared nor changed, and everything else is restored", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  damage(image.target);
  Deno.chmodSync(`${image.target}/srv`, 0o711);
  const found = await look(image, ["/srv/", "/absent"]);
  const differences = differencesOf(image.manifest, { found, extentService: false });
  assert.deepEqual(words(differences.list).filter((w) => w.includes("srv")), []);
  assert.deepEqual(neededFrames(image.manifest, found), [1, 2]);
  await install(image, [1, 2], found);
  assert.equal(Deno.readTextFileSync(`${image.target}/srv/index`), "new page");
  assert.equal(Deno.readTextFileSync(`${image.target}/srv/data`), "orders");
  assert.equal(Deno.statSync(`${image.target}/srv`).mode! & 0o777, 0o711);
  const after = differencesOf(image.manifest, { found: await look(image, ["/srv"]), extentService: true });
  assert.deepEqual(after.list, []);
});

Deno.test("a kept path deep below an extra directory is kept, and its siblings are removed", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  Deno.mkdirSync(`${image.target}/opt/app/data`, { recursive: true });
  Deno.writeTextFileSync(`${image.target}/opt/app/data/db`, "orders");
  Deno.writeTextFileSync(`${image.target}/opt/app/program`, "x");
  const found = await look(image, ["/opt/app/data"]);
  assert.deepEqual(found.remove, ["opt/app/program"]);
  await install(image, [], found);
  assert.equal(Deno.readTextFileSync(`${image.target}/opt/app/data/db`), "orders");
});

Deno.test("a kept path that is missing is made from the image", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  Deno.removeSync(`${image.target}/srv`, { recursive: true });
  const found = await look(image, ["/srv"]);
  await install(image, neededFrames(image.manifest, found), found);
  assert.ok(Deno.statSync(`${image.target}/srv/index`).isFile);
});

Deno.test("a symlink is kept beside what it points to", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  Deno.mkdirSync(`${image.target}/units/wanted`, { recursive: true });
  Deno.writeTextFileSync(`${image.target}/units/agent`, "starts it");
  Deno.symlinkSync("/units/agent", `${image.target}/units/wanted/absolute`);
  Deno.symlinkSync("../agent", `${image.target}/units/wanted/relative`);
  const keep = ["/units/agent", "/units/wanted/absolute", "/units/wanted/relative"];
  assert.deepEqual((await look(image, keep)).remove, []);
  Deno.symlinkSync("../../a", `${image.target}/units/wanted/other`);
  await assert.rejects(look(image, [...keep, "/units/wanted/other"]), /other is a symbolic link/);
  await assert.rejects(look(image, keep.slice(1)), /absolute is a symbolic link/);
});

Deno.test("a path that cannot be kept is refused before anything is touched", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  Deno.mkdirSync(`${image.target}/data`);
  Deno.symlinkSync("data", `${image.target}/link`);
  await assert.rejects(look(image, ["/link"]), /\/link is a symbolic link.*name the path that it points to/);
  await assert.rejects(look(image, ["/link/below"]), RackseedError);
  Deno.removeSync(`${image.target}/a`);
  Deno.mkdirSync(`${image.target}/a/data`, { recursive: true });
  await assert.rejects(look(image, ["/a/data"]), /the image has something other than a directory there/);
  for (const bad of ["", "/", "srv", "/a/../b", "//"]) {
    assert.throws(() => KeptPaths.parse([bad]), RackseedError, bad);
  }
});

Deno.test("scattered extents come from the server, whole frames from the swarm; with more nodes, more frames come whole", async () => {
  using image = makeImage(more);
  await install(image, [0, 1, 2]);
  // 1000 of frame 1's 6000 bytes, 5000 of frame 2's
  Deno.removeSync(`${image.target}/srv/index`);
  Deno.removeSync(`${image.target}/c`);
  const found = await look(image);
  const by = (nodes: number) =>
    differencesOf(image.manifest, { found, extentService: true, nodes }).routes.map((route) => route.by);
  assert.deepEqual([by(1), by(6)], [["extents", "extents"], ["swarm", "swarm"]]);
  const { routes, fetchBytes } = differencesOf(image.manifest, { found, extentService: true, nodes: 2 });
  assert.deepEqual(routes.map(({ frame, by, extents }) => ({ frame, by, extents })), [
    { frame: 1, by: "extents", extents: [0] },
    { frame: 2, by: "swarm", extents: [1] },
  ]);
  const sealed = (frame: number) => image.manifest.frames[frame]?.sealedBytes ?? 0;
  assert.equal(fetchBytes, Math.ceil(sealed(1) / 6) + sealed(2));
  const all = differencesOf(image.manifest, { found, extentService: false });
  assert.deepEqual(all.routes.map(({ by }) => by), ["swarm", "swarm"]);
});

Deno.test("the text of a dry run lists what would be done, up to a limit, and what would be fetched", () => {
  const list: Difference[] = [
    { path: "etc/hosts" as BytePath, what: "content", bytes: 120 },
    { path: "usr/bin/\x1b[2J" as BytePath, what: "missing" },
    { path: "root/junk" as BytePath, what: "extra" },
  ];
  const routes = [
    { frame: 0, by: "swarm", extents: [0, 1], bytes: 3_000_000 },
    { frame: 1, by: "extents", extents: [4], bytes: 100 },
  ] as const;
  const text = describeDifferences({ list, routes, fetchBytes: 3_000_100 }, {
    entries: 10,
    keep: ["srv" as BytePath],
    most: 2,
  });
  assert.deepEqual(text, [
    "3 differences to the image's 10 entries:",
    "  rewrite  /etc/hosts (120 bytes of it)",
    "  make     /usr/bin/\\x1b[2J",
    "  and 1 more",
    "left alone: /srv",
    "to fetch: 3.0 MB (1 frame from the swarm, 1 extent from the server)",
  ]);
});
