import assert from "node:assert/strict";
import { firstError, messageOf, RackseedError } from "./errors.ts";

Deno.test("where tidying up fails as well, what went wrong first is told first", () => {
  const first = new RackseedError("cannot copy", { reason: "no room.", remedy: "make room." });
  const thrown = new SuppressedError(
    new Error("umount: busy"),
    new SuppressedError(new Error("close"), first),
  );
  assert.equal(firstError(thrown), first);
  assert.equal(
    messageOf(thrown),
    `${first.message} (and in tidying up: close) (and in tidying up: umount: busy)`,
  );
  assert.equal(firstError(first), first);
});
