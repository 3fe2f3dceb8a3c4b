import assert from "node:assert/strict";
import { bytesAtRisk, SafePace } from "./safe_pace.ts";

const MIB = 1 << 20;

/** A pace whose syncs return when `syncs` are called; `swarm.isHeld`: whether the limit holds up the swarm. */
function makePace(totalBytes: number, { frameBytes }: { frameBytes: number }) {
  const syncs: (() => void)[] = [], limits: number[] = [], safe: number[] = [];
  const swarm = { isHeld: false };
  const pace = new SafePace({
    totalBytes,
    bytesOf: () => frameBytes,
    sync: () => new Promise((resolve) => syncs.push(resolve)),
    onLimit: (bytes) => limits.push(bytes),
    onSafe: (frames) => safe.push(...frames),
    isHeld: () => swarm.isHeld,
  });
  return { pace, swarm, syncs, limits, safe, settle: () => new Promise((resolve) => setTimeout(resolve)) };
}

Deno.test("a disk that keeps up is synced regularly", async () => {
  const { pace, syncs, safe, settle } = makePace(1000 * MIB, { frameBytes: 2 * MIB });
  for (let frame = 0; frame < 20; frame++) {
    pace.came(frame);
    pace.written(frame);
    syncs.at(-1)?.();
    await settle();
  }
  // a sixth of the 20 MiB at risk is less than two frames
  assert.equal(syncs.length, 10);
  assert.deepEqual(safe, Array.from({ length: 20 }, (_, frame) => frame));
});

Deno.test("the bytes at risk are a share of the image, a larger one of a small image", () => {
  assert.equal(bytesAtRisk(1e6), 4 * MIB);
  assert.equal(bytesAtRisk(100e6), 7e6);
  assert.equal(bytesAtRisk(1000e6), 20 * MIB);
  assert.equal(bytesAtRisk(6000e6), 60e6);
});

Deno.test("while complete frames wait, no more is started than may be lost; incomplete frames alone hold up nothing", async () => {
  const { pace, swarm, syncs, limits, safe, settle } = makePace(100e6, { frameBytes: 2e6 });
  swarm.isHeld = true;
  pace.decide();
  assert.deepEqual(limits, [], "no frame is complete, so nothing would ever lift the limit");
  swarm.isHeld = false;
  pace.came(7);
  assert.deepEqual(limits, [], "2 of 7 MB are less than a third");
  pace.came(8);
  assert.deepEqual(limits, [7e6]);
  pace.written(7);
  assert.deepEqual([limits, syncs.length], [[7e6], 1], "written is not safe");
  syncs[0]!();
  await settle();
  assert.deepEqual([safe, limits], [[7], [7e6, Infinity]]);
});

Deno.test("a held download waits only for a sync that began after the write", async () => {
  const { pace, swarm, syncs, limits, safe, settle } = makePace(6000e6, { frameBytes: 4e6 });
  for (let frame = 0; frame < 6; frame++) pace.came(frame);
  pace.written(0);
  assert.equal(syncs.length, 0, "4 of 60 MB are less than a sixth");
  swarm.isHeld = true;
  pace.decide();
  assert.equal(syncs.length, 1);
  pace.written(1);
  assert.equal(syncs.length, 1, "one at a time");
  syncs[0]!();
  await settle();
  assert.deepEqual([safe, syncs.length], [[0], 2], "the second frame was not in the first sync");
  syncs[1]!();
  await settle();
  assert.deepEqual([safe, syncs.length], [[0, 1], 2], "everything written is safe");
  assert.deepEqual(limits, [60e6, Infinity]);
});

Deno.test("the end lifts the limit and waits for the last sync", async () => {
  const { pace, syncs, limits, settle } = makePace(0, { frameBytes: 2 * MIB });
  pace.came(0);
  pace.came(1);
  pace.written(0);
  let ended = false;
  const end = pace.end().then(() => ended = true);
  assert.deepEqual(limits, [4 * MIB, Infinity]);
  await settle();
  assert.equal(ended, false);
  syncs[0]!();
  await end;
  assert.equal(syncs.length, 1);
});
