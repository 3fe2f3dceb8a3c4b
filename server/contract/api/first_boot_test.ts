import assert from "node:assert/strict";
import { describeExit, parseFirstBoot } from "./first_boot.ts";

Deno.test("a report is read with its hooks, and unknown lines are ignored", () => {
  const report = parseFirstBoot([
    ...["token abc", "hostname n1", "uptime 14.21", "kernel 6.1.0", "color blue", "nonsense", ""],
    ...["failed-unit nginx.service", "hook 0 required grow", "out one \x1b[31mred", "out two words", ""],
    ...["hook 124 optional slow", "hook x required bad", "out of slow"],
  ].join("\n"));
  assert.deepEqual(report, {
    token: "abc",
    hostname: "n1",
    uptimeSeconds: 14.21,
    kernel: "6.1.0",
    failedUnits: ["nginx.service"],
    hooks: [
      { name: "grow", code: 0, optional: false, output: ["one [31mred", "two words"] },
      { name: "slow", code: 124, optional: true, output: ["of slow"] },
    ],
  });
  assert.equal(describeExit(124), "did not end in time");
  assert.equal(describeExit(3), "exited 3");
});

Deno.test("a report without token or host name is refused, and a long one is cut", () => {
  for (const text of ["", "hostname n1", "token abc", "token \nhostname \n"]) {
    assert.throws(() => parseFirstBoot(text), RangeError);
  }
  const endless = `token abc\nhostname n1\nuptime -1\n${"failed-unit x\n".repeat(1000)}hook 0 required a\n${
    `out ${"y".repeat(5000)}\n`.repeat(1000)
  }${"hook 0 required a\n".repeat(1000)}`;
  const { failedUnits, hooks, uptimeSeconds } = parseFirstBoot(endless);
  assert.deepEqual([failedUnits.length, hooks.length, uptimeSeconds], [20, 100, 0]);
  assert.deepEqual([hooks[0]?.output.length, hooks[0]?.output[0]?.length], [200, 1000]);
});
