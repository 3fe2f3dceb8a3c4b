import assert from "node:assert/strict";
import type { InstallTimes } from "#contract/api/distribution.ts";
import { type NodeTiming, slowestOf } from "./slowest_node.ts";

const TIMES: InstallTimes = {
  workers: 2,
  starvedMs: 20_000,
  busyMs: 15_000,
  blockedMs: 5000,
  mainMs: 3000,
  fetchedBytes: 250e6,
  fetchMs: 20_000,
};
const node = (name: string, over: Partial<NodeTiming> = {}): NodeTiming => ({
  node: name,
  times: TIMES,
  ...over,
  stepsMs: { network: 1000, partition: 1000, install: 20_000, verify: 3000, ...over.stepsMs },
});

Deno.test("the slowest is the one with the longest time, and the reason is the step that sets it apart", () => {
  const disk = { ...TIMES, blockedMs: 150_000 };
  const found = slowestOf([
    node("n1"),
    node("n2", { stepsMs: { install: 85_000 }, times: disk }),
    node("n3"),
  ]);
  assert.deepEqual([found?.node, found?.limit, found?.seconds, found?.typicalSeconds], [
    "n2",
    "disk",
    90,
    25,
  ]);
  assert.match(
    found?.reason ?? "",
    /^step install took 85\.0 s \(usual here: 20\.0 s\): .*81 % waited for the disk/,
  );
});

Deno.test("a node that reads its clone back slowly has a slow disk, however fast it installed", () => {
  const found = slowestOf([node("n1"), node("n2", { stepsMs: { install: 19_000, verify: 40_000 } })]);
  assert.deepEqual([found?.node, found?.limit], ["n2", "disk"]);
  assert.match(found?.reason ?? "", /^step verify took 40\.0 s \(usual here: 3\.0 s\)$/);
});

Deno.test("seeding for others for long does not make a node slow", () => {
  const found = slowestOf([
    node("n1", { stepsMs: { seed: 500_000, finish: 9000 } }),
    node("n2", { stepsMs: { install: 29_000 } }),
  ]);
  assert.equal(found?.node, "n2");
});

Deno.test("among nodes of equal speed none is the slowest", () => {
  assert.equal(slowestOf([node("n1"), node("n2"), node("n3")]), undefined);
  assert.equal(slowestOf([node("n1"), node("n2", { stepsMs: { install: 21_500 } })]), undefined);
});

Deno.test("a step that depends on neither link, disk nor processor is named all the same", () => {
  const found = slowestOf([node("n1"), node("n2", { stepsMs: { bootloader: 60_000 } })]);
  assert.deepEqual([found?.node, found?.limit, found?.reason], [
    "n2",
    undefined,
    "step bootloader took 60.0 s",
  ]);
});

Deno.test("one node alone is explained by its longest step", () => {
  assert.match(slowestOf([node("n1")])?.reason ?? "", /^step install took 20\.0 s: .*waited for frames/);
});

Deno.test("a batch without reports has no slowest node", () => {
  assert.equal(slowestOf([]), undefined);
  assert.equal(slowestOf([{ node: "n1", stepsMs: {} }]), undefined);
});
