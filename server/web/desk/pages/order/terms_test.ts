import assert from "node:assert/strict";
import { DeployRequest, RestoreRequest } from "#contract/api.ts";
import { commandOf, NO_TERMS, orderOf } from "./terms.ts";

Deno.test("the form's order is one that the API takes, and the command beside it says the same", () => {
  const deploy = {
    ...NO_TERMS,
    image: "web@3",
    start: "power" as const,
    atOnce: "4",
    identity: "ask",
    seed: "for:10min",
  };
  const body = orderOf("deployment", ["n1", "n2"], deploy);
  assert.deepEqual(DeployRequest.parse(body), body);
  assert.deepEqual(body, {
    nodes: ["n1", "n2"],
    image: "web@3",
    power: { atOnce: 4, pauseSeconds: 2, arriveSeconds: 900 },
    identity: "ask",
    askSeconds: 300,
    seed: { mode: "for", seconds: 600 },
  });
  assert.equal(
    commandOf("deployment", ["n[1-2]"], deploy).join(" "),
    "rackseed node deploy n[1-2] --image web@3 --power --at-once 4 --identity ask --ask-timeout 5min --seed for:10min",
  );
});

Deno.test("a restore begins as a dry run; kept paths are one in a line", () => {
  const terms = { ...NO_TERMS, keep: "/srv\n  /var/lib/mysql \n", evenRefused: true };
  const body = orderOf("restore", ["n1"], terms);
  assert.deepEqual(RestoreRequest.parse(body), body);
  assert.deepEqual(body, {
    nodes: ["n1"],
    planCheck: false,
    dryRun: true,
    keep: ["/srv", "/var/lib/mysql"],
  });
  assert.equal(
    commandOf("restore", ["n1"], terms).join(" "),
    "rackseed node restore n1 --no-plan-check --keep /srv /var/lib/mysql --dry-run",
  );
  const real = orderOf("restore", ["n1"], { ...terms, how: "every-boot", start: "agent" });
  assert.deepEqual([real.now, "dryRun" in real, "everyBoot" in real], [true, false, true]);
});
