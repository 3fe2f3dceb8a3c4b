import assert from "node:assert/strict";
import { formatAcl, parseAcl } from "./posix_acl.ts";

Deno.test("a malformed ACL has no text", () => {
  const good = Uint8Array.from([2, 0, 0, 0, 2, 0, 5, 0, 0xe8, 3, 0, 0]);
  assert.equal(formatAcl(good), "user:1000:r-x");
  for (
    const bad of [
      good.subarray(0, 3),
      good.subarray(0, 4),
      good.subarray(0, 11),
      good.with(0, 3),
      good.with(4, 3),
      good.with(6, 8),
    ]
  ) {
    assert.equal(formatAcl(bad), undefined);
  }
});

Deno.test("text is an ACL if every entry has a known kind, rights, and a number for its name", () => {
  const cases: [text: string, expected: string | undefined][] = [
    ["user::rw-,group::r--,other::---", "user::rw-,group::r--,other::---"],
    ["other::---\nuser::rw- # a comment\n\ngroup::r--", "user::rw-,group::r--,other::---"],
    ["user:joe:r-x:1234", "user:1234:r-x"],
    ["user:joe:r-x", undefined],
    ["user::rw", undefined],
    ["flags::rw-", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of cases) {
    const value = parseAcl(text);
    assert.equal(value && formatAcl(value), expected, text);
  }
});
