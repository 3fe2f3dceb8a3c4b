import assert from "node:assert/strict";
import { negotiate, windowsizeBeside } from "./options.ts";

const FILE = { sizeBytes: 1000, maxBlksize: 1468 };

Deno.test("an option within bounds is accepted, lowered if that is allowed, and otherwise left out", () => {
  const cases: [
    Record<string, string>,
    Record<string, string> | undefined,
    blksize: number,
    windowsize: number,
  ][] = [
    [{}, undefined, 512, 1],
    [{ multicast: "" }, undefined, 512, 1],
    [{ blksize: "1024" }, { blksize: "1024" }, 1024, 1],
    [{ blksize: "8192" }, { blksize: "1468" }, 1468, 1],
    [{ blksize: "7" }, undefined, 512, 1],
    [{ blksize: "65465" }, undefined, 512, 1],
    [{ blksize: "-1" }, undefined, 512, 1],
    [{ blksize: "1e3" }, undefined, 512, 1],
    [{ windowsize: "16" }, { windowsize: "16" }, 512, 16],
    [{ windowsize: "65535" }, { windowsize: "64" }, 512, 64],
    [{ windowsize: "0" }, undefined, 512, 1],
    [{ tsize: "0" }, { tsize: "1000" }, 512, 1],
    [{ timeout: "3" }, { timeout: "3" }, 512, 1],
    [{ timeout: "256" }, undefined, 512, 1],
  ];
  for (const [asked, accepted, blksize, windowsize] of cases) {
    const terms = negotiate(new Map(Object.entries(asked)), FILE);
    assert.deepEqual(terms.accepted && Object.fromEntries(terms.accepted), accepted);
    assert.deepEqual([terms.blksize, terms.windowsize], [blksize, windowsize]);
  }
});

Deno.test("the server's longest pause exceeds the client's timeout", () => {
  assert.equal(negotiate(new Map(), FILE).maxTimeoutMs, 7_500);
  assert.equal(negotiate(new Map([["timeout", "2"]]), FILE).maxTimeoutMs, 3_000);
});

Deno.test("the windows of all clients together fit the queue of a network card", () => {
  assert.deepEqual([0, 14, 15, 100, 999, 5000].map(windowsizeBeside), [64, 64, 62, 9, 1, 1]);
  const granted = negotiate(new Map([["windowsize", "16"]]), {
    ...FILE,
    maxWindowsize: windowsizeBeside(100),
  });
  assert.deepEqual([granted.windowsize, granted.accepted?.get("windowsize")], [9, "9"]);
});
