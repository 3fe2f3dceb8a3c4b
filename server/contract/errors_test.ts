import assert from "node:assert/strict";
import { firstError, messageOf, RackseedError } from "./errors.ts";

Deno.test("if cleaning up fails as well, the original error comes first", () => {
  const first = new RackseedError("cannot copy", { reason: "no room.", remedy: "make room." });
  const thrown = new SuppressedError(
    new Error("umount: busy"),
    new SuppressedError(new Error("close"), first),
  );
  assert.equal(firstError(thrown), first);
  assert.equal(
    messageOf(thrown),
    `${first.message} (and while cleaning up: close) (and while cleaning up: umount: busy)`,
  );
  assert.equal(firstError(first), first);
});
