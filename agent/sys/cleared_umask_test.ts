import assert from "node:assert/strict";
import { clearedUmask } from "./cleared_umask.ts";
import { umask } from "./libc.ts";

Deno.test("two holders whose times overlap leave the umask as it was", () => {
  const current = umask(0o027);
  try {
    const first = clearedUmask(), second = clearedUmask();
    assert.equal(umask(0), 0);
    first[Symbol.dispose]();
    assert.equal(umask(0), 0);
    second[Symbol.dispose]();
    second[Symbol.dispose]();
    assert.equal(umask(0o027), 0o027);
    clearedUmask()[Symbol.dispose]();
    assert.equal(umask(0o027), 0o027);
  } finally {
    umask(current);
  }
});
