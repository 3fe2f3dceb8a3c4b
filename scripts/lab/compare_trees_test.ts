import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { run } from "./command.ts";
import { type Aspect, compareTrees, describe } from "./compare_trees.ts";
import { oddityPrograms, plantOddities } from "./oddities.ts";
import { readTreePrograms } from "./read_tree.ts";

const needed = needs({ root: true, programs: [...oddityPrograms, ...readTreePrograms] });

/** Two equal copies of the tree of oddities. */
async function copies(): Promise<AsyncDisposable & { readonly left: string; readonly right: string }> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-compare-" });
  await Deno.mkdir(`${folder}/left`);
  await plantOddities(`${folder}/left`);
  await run(["cp", "-a", "--sparse=auto", `${folder}/left`, `${folder}/right`]);
  return {
    left: `${folder}/left`,
    right: `${folder}/right`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test({
  name: "a faithful copy of all oddities has no differences",
  ...needed,
  async fn() {
    await using trees = await copies();
    assert.deepEqual((await compareTrees(trees.left, trees.right)).map(describe), []);
  },
});

/** A shell command run in the right tree's opt/oddities, and the differences that it must cause. */
const changes: readonly [command: string, path: string, found: readonly Aspect[]][] = [
  ["rm empty", "empty", ["presence"]],
  ["rm empty; mkdir empty", "empty", ["type"]],
  ["chmod 1644 empty; chmod 755 setuid", "setuid", ["mode"]],
  ["chown 1:54321 owned", "owned", ["owner"]],
  ["chown 12345:1 owned", "owned", ["owner"]],
  ["touch -d '1999-12-31 23:59:59.123456788 UTC' old", "old", ["mtime"]],
  ["touch -h -d '2001-02-03 04:05:06 UTC' link", "link", ["mtime"]],
  ["touch -r large t; printf x >> large; touch -r t large", "large", ["size", "content", "holes"]],
  ["touch -r large t; printf x | dd of=large conv=notrunc status=none; touch -r t large", "large", [
    "content",
  ]],
  ["touch -r sparse t; cp --sparse=never sparse s; cat s > sparse; touch -r t sparse", "sparse", ["holes"]],
  ["touch -r dense-zeros t; fallocate -d dense-zeros; touch -r t dense-zeros", "dense-zeros", ["holes"]],
  ["ln -sfn hard-2 link; touch -hr ../../../left/opt/oddities/link link", "link", ["target"]],
  [
    "rm character; mknod -m 666 character c 1 5; touch -r ../../../left/opt/oddities/character character",
    "character",
    ["device"],
  ],
  ["touch -r hard-1 t; cp -p hard-2 h; mv h hard-2", "hard-2", ["links"]],
  ["setfacl -m u:1001:r,m::rw acl", "acl", ["xattrs"]],
  ["setfacl -k acl-dir", "acl-dir", ["xattrs"]],
  ["setfattr -n user.binary -v 0x00ff0a01 attributes", "attributes", ["xattrs"]],
  ["setcap -r capable", "capable", ["xattrs"]],
  ["chmod 600 caf*", "caf\\xe9-latin1", ["mode"]],
  ["setfattr -n user.x -v 1 two*", "two\\x0alines", ["xattrs"]],
  ["setfattr -n user.x -v 1 'back\\slash'", "back\\\\slash", ["xattrs"]],
];

for (const [command, path, expected] of changes) {
  Deno.test({
    name: `the changes of this command are found: ${command}`,
    ...needed,
    async fn() {
      await using trees = await copies();
      await run(["bash", "-ec", `cd "$0/opt/oddities"; ${command}`, trees.right]);
      const found = (await compareTrees(trees.left, trees.right))
        .filter((difference) => difference.path === `opt/oddities/${path}`)
        .map(({ aspect }) => aspect);
      assert.deepEqual(found, expected);
    },
  });
}

Deno.test({
  name: "an exception covers its own path and aspects, and nothing else",
  ...needed,
  async fn() {
    await using trees = await copies();
    await run([
      "sh",
      "-ec",
      `cd "$0/opt/oddities"; chmod 600 old; echo x >> old; echo x > links/new`,
      trees.right,
    ]);
    const differences = await compareTrees(trees.left, trees.right, {
      except: [
        { path: "opt/oddities/old", aspects: ["content", "size", "mtime", "holes"], reason: "written to" },
        { path: "opt/oddities/links/**", reason: "a folder that changes" },
      ],
    });
    assert.deepEqual(differences.map(({ path, aspect }) => `${path} ${aspect}`), [
      "opt/oddities/links mtime",
      "opt/oddities/old mode",
    ]);
  },
});
