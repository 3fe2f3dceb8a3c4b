import assert from "node:assert/strict";
import { bytePathOf, bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import { compileExcludes, DEFAULT_EXCLUDES } from "../tree/excludes.ts";

const CASES: [pattern: string, excluded: string[], kept: string[]][] = [
  ["/var/log/*", ["var/log/a", "var/log/.b"], ["var/log", "var/log/a/b", "x/var/log/a", "var/logs/a"]],
  ["/var/log/**", ["var/log/a", "var/log/a/b"], ["var/log", "x/var/log/a"]],
  ["/srv/scratch", ["srv/scratch"], ["srv/scratch2", "srv", "a/srv/scratch"]],
  ["*.tmp", ["a.tmp", "x/y/a.tmp", ".tmp"], ["a.tmpx", "a.tmp.x", "tmp"]],
  ["cache/tmp", ["cache/tmp", "a/cache/tmp"], ["xcache/tmp", "cache", "tmp"]],
  ["a?c", ["abc", "x/aüc", "a.c"], ["ac", "a/c", "abbc"]],
  ["[a-c]x", ["ax", "d/cx"], ["dx", "x", "/x"]],
  ["[!a-c]x", ["dx", "-x"], ["ax", "x"]],
  ["a[/]b", [], ["a/b", "a[/]b2"]],
  ["\\*", ["*", "d/*"], ["a", "\\*"]],
  ["a.b+c(d)|e^f$", ["a.b+c(d)|e^f$"], ["aXb+c(d)|e^f$", "e"]],
  ["-n", ["-n"], ["n"]],
  ["ü*", ["ürs"], ["u", "\u00c3"]],
];

Deno.test("patterns match as documented", () => {
  for (const [pattern, excluded, kept] of CASES) {
    const excludes = compileExcludes([pattern]);
    const matches = (path: string) => excludes.matches(bytePathOfText(path), { isDirectory: false });
    for (const path of excluded) assert.ok(matches(path), `${pattern} leaves out ${path}`);
    for (const path of kept) assert.ok(!matches(path), `${pattern} keeps ${path}`);
  }
});

Deno.test("a trailing slash means directories only", () => {
  const excludes = compileExcludes(["cache/", "/top/"]);
  const matches = (path: string, isDirectory: boolean) =>
    excludes.matches(bytePathOfText(path), { isDirectory });
  assert.ok(matches("a/cache", true));
  assert.ok(!matches("a/cache", false));
  assert.ok(matches("top", true));
  assert.ok(!matches("a/top", true));
});

Deno.test("names that are not UTF-8 are matched byte by byte", () => {
  const path = bytePathOf(Uint8Array.of(0x61, 0xff, 0x2e, 0x6f));
  for (const pattern of ["*.o", "a?.o"]) {
    assert.ok(compileExcludes([pattern]).matches(path, { isDirectory: false }), pattern);
  }
});

Deno.test("the root is never excluded, and without patterns nothing is", () => {
  assert.ok(!compileExcludes(["*", "**"]).matches(bytePathOfText(""), { isDirectory: true }));
  assert.ok(!compileExcludes([]).matches(bytePathOfText("a"), { isDirectory: false }));
});

Deno.test("a pattern that can match nothing is refused, naming it", () => {
  for (const pattern of ["", "/", "//a", "a//", "a\0"]) {
    assert.throws(() => compileExcludes(["*.ok", pattern]), (error) => {
      assert.ok(error instanceof RackseedError && error.title.includes(`"${pattern}"`));
      return true;
    });
  }
});

Deno.test("by default the mount points of a running system are kept empty", () => {
  const excludes = compileExcludes(DEFAULT_EXCLUDES);
  for (const path of ["proc", "sys", "dev", "run", "tmp"]) {
    assert.ok(!excludes.matches(bytePathOfText(path), { isDirectory: true }), path);
    assert.ok(excludes.matches(bytePathOfText(`${path}/x`), { isDirectory: true }), `${path}/x`);
  }
  assert.ok(!excludes.matches(bytePathOfText("var/tmp/x"), { isDirectory: false }));
});
