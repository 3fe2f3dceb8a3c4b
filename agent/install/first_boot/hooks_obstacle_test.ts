import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import { hooksObstacle } from "./hooks_obstacle.ts";

const hook = {
  name: "join",
  when: "first-boot" as const,
  script: "#!/bin/sh\n",
  optional: false,
  timeoutSeconds: 60,
};
const firstBoot = { url: "http://10.0.0.1/", token: "t", tryForSeconds: 60 };

Deno.test("hooks that the image cannot run at its first boot are an obstacle", () => {
  const lack = "none of curl, bash, perl, wget";
  const order: Pick<Order, "hooks" | "firstBoot"> = { hooks: [hook], firstBoot };
  assert.match(
    hooksObstacle(order, lack)?.message ?? "",
    /the image has none of curl, .*remove the hooks: join/,
  );
  assert.equal(hooksObstacle(order, undefined), undefined);
  assert.equal(hooksObstacle({ hooks: [{ ...hook, when: "post-install" }], firstBoot }, lack), undefined);
  assert.equal(hooksObstacle({ hooks: [hook] }, lack), undefined);
});
