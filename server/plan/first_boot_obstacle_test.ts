import assert from "node:assert/strict";
import { firstBootObstacle } from "./first_boot_obstacle.ts";

Deno.test("hooks that the image cannot run at its first boot are an obstacle", () => {
  const lack = "none of curl, bash, perl, wget";
  const { reason = "", remedy = "" } = firstBootObstacle(lack, ["join", "mount"]) ?? {};
  assert.match(reason, /the image has none of curl, /);
  assert.match(remedy, /remove the hooks: join, mount\./);
  assert.equal(firstBootObstacle(undefined, ["join"]), undefined);
  assert.equal(firstBootObstacle(lack, []), undefined);
});
