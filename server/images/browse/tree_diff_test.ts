import assert from "node:assert/strict";
import fc from "fast-check";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import type { DiffRow } from "#contract/api/files.ts";
import { imageDiff } from "../../store/testing/image_diff.ts";
import { differences } from "./differences.ts";
import { makeVersion, type Tree } from "./testing/versions.ts";
import { TreeDiff } from "./tree_diff.ts";

const FROM: Tree = {
  "etc/motd": "hello",
  "etc/shadow": { content: "root:x", mode: 0o640 },
  "etc/ssh/sshd_config": "Port 22",
  "etc/ssh.d/a": "a",
  "opt/gone/a/b": "1234",
  "usr/bin/x": { content: "x", mode: 0o755 },
};
const TO: Tree = {
  "etc/motd": "hello, world",
  "etc/shadow": { content: "root:y", mode: 0o640 },
  "etc/ssh/sshd_config": { content: "Port 2222", uid: 7 },
  "etc/ssh.d/a": "a",
  "opt/": "",
  "usr/bin/x": { content: "x", mode: 0o4755 },
};

async function diffOf(from: Tree, to: Tree) {
  const [old, now] = [await makeVersion(from), await makeVersion(to)];
  const versions = { from: old.index, to: now.index };
  const diff = await TreeDiff.make(versions);
  const folder = (path: string, options: Parameters<TreeDiff["folder"]>[2] = {}) => {
    const { rows, ...rest } = diff.folder(bytePathOfText(path), versions, options);
    return { ...rest, rows: [...rows] };
  };
  return { folder, old, now, versions };
}

Deno.test("a folder's rows are what changed in it, with what changed below each of its folders", async () => {
  const { folder } = await diffOf(FROM, TO);
  const root = folder("");
  assert.deepEqual(root.rows.map(({ name, below }) => [name, below?.changes]), [["etc", 3], ["opt", 3], [
    "usr",
    1,
  ]]);
  assert.equal(root.changes, 7);
  assert.deepEqual(root.counts, { removed: 3, content: 3, mode: 1, owner: 1 });
  assert.deepEqual(folder("etc"), {
    path: "etc",
    changes: 3,
    counts: { content: 3, owner: 1 },
    newBytes: 27,
    rows: [
      { name: "motd", path: "etc/motd", type: "file", change: "content", kinds: ["content"], bytes: 12 },
      {
        name: "shadow",
        path: "etc/shadow",
        type: "file",
        change: "content",
        kinds: ["content"],
        bytes: 6,
        isPrivate: true,
      },
      {
        name: "ssh",
        path: "etc/ssh",
        type: "directory",
        kinds: [],
        below: { changes: 1, counts: { content: 1, owner: 1 }, newBytes: 9 },
      },
    ],
  });
});

Deno.test("a folder that changed itself is one row with what changed below it", async () => {
  const { folder } = await diffOf(FROM, TO);
  assert.deepEqual(folder("opt").rows, [{
    name: "gone",
    path: "opt/gone",
    type: "directory",
    change: "removed",
    kinds: ["removed"],
    below: { changes: 2, counts: { removed: 2 }, newBytes: 0 },
  }]);
  assert.deepEqual(folder("etc/ssh.d"), { path: "etc/ssh.d", changes: 0, counts: {}, newBytes: 0, rows: [] });
});

Deno.test("rows are filtered by kind, and go on behind a path", async () => {
  const { folder } = await diffOf(FROM, TO);
  const names = ({ rows }: { rows: DiffRow[] }) => rows.map(({ name }) => name);
  assert.deepEqual(names(folder("", { kinds: ["mode"] })), ["usr"]);
  assert.deepEqual(names(folder("", { kinds: ["owner", "removed"] })), ["etc", "opt"]);
  assert.deepEqual(names(folder("etc", { kinds: ["owner"] })), ["ssh"]);
  assert.deepEqual(names(folder("etc", { after: bytePathOfText("etc/motd") })), ["shadow", "ssh"]);
});

const names = fc.constantFrom("a", "b", "a.b", "é", "c\nd", 'e"f', "g\\h");
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const value = fc.oneof(
  fc.constantFrom("", "one", "two", "three"),
  fc.record({ content: fc.constantFrom("one", "two"), mode: fc.constantFrom(0o600, 0o644) }),
  fc.record({ link: fc.constantFrom("x", "y") }),
);
/** Nothing is below a file. */
const trees = fc.array(fc.tuple(paths, value), { maxLength: 12 }).map((entries): Tree => {
  const kept: [string, Tree[string]][] = [];
  for (const [path, what] of entries) {
    const clashes = kept.some(([one]) =>
      one === path || one.startsWith(`${path}/`) || path.startsWith(`${one}/`)
    );
    if (!clashes) kept.push([path, what]);
  }
  return Object.fromEntries(kept);
});

Deno.test("a tree has exactly the changes of the flat diff, whatever the versions", async () => {
  await fc.assert(fc.asyncProperty(trees, trees, async (from, to) => {
    const { folder, old, now, versions } = await diffOf(from, to);
    const flat = [...imageDiff(old.entries, now.entries)];
    const walked = await Array.fromAsync(differences(versions), ({ change }) => change);
    assert.deepEqual(walked, flat);
    const rows: DiffRow[] = [];
    const descend = (path: string) => {
      const { changes, rows: here } = folder(path);
      let below = 0;
      for (const row of here) {
        rows.push(row);
        if (row.change) below++;
        below += row.below?.changes ?? 0;
        if (row.below) descend(row.path as string);
      }
      assert.equal(changes, below);
    };
    descend("");
    const shown = rows.filter(({ change }) => change).map(({ change, type, bytes, what }) => ({
      change,
      type,
      bytes,
      what,
    }));
    assert.deepEqual(shown, flat.map(({ change, type, bytes, what }) => ({ change, type, bytes, what })));
  }));
});
