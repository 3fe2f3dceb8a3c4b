import assert from "node:assert/strict";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { Entry, HashedExtent } from "#contract/format/entry.ts";
import { imageDiff } from "./testing/image_diff.ts";

type Hashed = Entry<HashedExtent>;

const path = bytePathOfText("etc/x");
const common = { path, mode: 0o644, uid: 0, gid: 0, mtimeSec: 1, mtimeNs: 0, xattrs: [] };
const extent = (offset: number, letter: string) => ({ offset, sizeBytes: 10, sha256: letter.repeat(43) });
const file = (...letters: string[]): Hashed => ({
  ...common,
  type: "file",
  sizeBytes: letters.length * 10,
  extents: letters.map((letter, i) => extent(i * 10, letter)),
});
const link = (target: string): Hashed => ({ ...common, type: "symlink", target: bytePathOfText(target) });
const xattrs = (...names: string[]): Hashed => ({
  ...common,
  type: "directory",
  xattrs: names.map((name) => [name, Buffer.from("v")] as const),
});

const cases: [what: string, old: Hashed | undefined, now: Hashed | undefined, expected: unknown][] = [
  ["nothing", file("a"), file("a"), undefined],
  ["a new file", undefined, file("a", "b"), { change: "added", type: "file", bytes: 20 }],
  ["a file that is gone", file("a"), undefined, { change: "removed", type: "file", bytes: 10 }],
  ["a new symlink", undefined, link("y"), { change: "added", type: "symlink" }],
  ["a part of a file", file("a", "b", "c"), file("a", "d", "c"), {
    change: "content",
    type: "file",
    bytes: 10,
  }],
  ["a file that was cut", file("a", "b"), file("a"), { change: "content", type: "file", bytes: 0 }],
  ["a file and its mode", file("a"), { ...file("b"), mode: 0o600 } as Hashed, {
    change: "content",
    type: "file",
    bytes: 10,
    what: ["mode"],
  }],
  ["mode, owner and time", file("a"), { ...file("a"), mode: 0o600, gid: 5, mtimeNs: 1 } as Hashed, {
    change: "attributes",
    type: "file",
    what: ["mode", "owner", "mtime"],
  }],
  ["a symlink's target", link("y"), link("z"), { change: "attributes", type: "symlink", what: ["target"] }],
  ["the order of attributes", xattrs("user.a", "user.b"), xattrs("user.b", "user.a"), undefined],
  ["an attribute", xattrs("user.a"), xattrs(), { change: "attributes", type: "directory", what: ["xattrs"] }],
  ["flags and a project", { ...xattrs(), inode: { flags: 0x30 } } as Hashed, {
    ...xattrs(),
    inode: { flags: 0x90, project: 7 },
  } as Hashed, { change: "attributes", type: "directory", what: ["+A", "-a", "none to project 7"] }],
  ["a type", link("y"), file("a"), { change: "content", type: "file", bytes: 10, what: ["was a symlink"] }],
];

for (const [what, old, now, expected] of cases) {
  Deno.test(`a diff reports ${what}`, () => {
    const changes = expected === undefined ? [] : [{ path: "etc/x", ...expected as object }];
    assert.deepEqual([...imageDiff(old ? [old] : [], now ? [now] : [])], changes);
  });
}

Deno.test("changes come in the order of paths", () => {
  const at = (
    name: string,
    letter: string,
  ): Hashed => ({ ...file(letter), path: bytePathOfText(name) } as Hashed);
  const from = [at("a", "a"), at("c", "c"), at("d", "d"), at("f", "f")];
  const to = [at("b", "b"), at("c", "c"), at("d", "x"), at("e", "e"), at("g", "g")];
  assert.deepEqual([...imageDiff(from, to)].map((c) => `${c.change} ${c.path}`), [
    ...["removed a", "added b", "content d", "added e", "removed f", "added g"],
  ]);
});
