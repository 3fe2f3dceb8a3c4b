import assert from "node:assert/strict";
import { SafePace } from "./safe_pace.ts";

const MIB = 1 << 20;

function makePace(totalBytes: number) {
  const syncs: (() => void)[] = [], held: boolean[] = [];
  const pace = new SafePace({
    totalBytes,
    sync: () => new Promise((resolve) => syncs.push(resolve)),
    hold: (isHeld) => held.push(isHeld),
  });
  return { pace, syncs, held, settle: () => new Promise((resolve) => setTimeout(resolve)) };
}

Deno.test("a disk that keeps up is synced now and then, and nothing is held", async () => {
  const { pace, syncs, held, settle } = makePace(1000 * MIB);
  for (let frame = 0; frame < 20; frame++) {
    pace.came(2 * MIB);
    pace.written(2 * MIB);
    syncs.at(-1)?.();
    await settle();
  }
  // of 12 MiB at risk a third is 4: every second frame
  assert.equal(syncs.length, 10);
  assert.deepEqual(held, []);
});

Deno.test("of a small image less is at risk than what a larger one may lose", async () => {
  const { pace, syncs, held, settle } = makePace(100 * MIB);
  pace.came(2 * MIB);
  pace.written(2 * MIB);
  assert.equal(syncs.length, 1, "of 4 MiB at risk a third is less than this frame");
  pace.came(2 * MIB);
  assert.deepEqual(held, []);
  pace.came(2 * MIB);
  assert.deepEqual(held, [true]);
  syncs[0]!();
  await settle();
  assert.deepEqual(held, [true, false]);
});

Deno.test("what is not on the disk holds the download until a sync that began after it was written returns", async () => {
  const { pace, syncs, held, settle } = makePace(6000 * MIB);
  for (let frame = 0; frame < 16; frame++) pace.came(4 * MIB);
  assert.deepEqual(held, [true], "1 % of 6000 MiB are 60");
  pace.written(4 * MIB);
  assert.equal(syncs.length, 1);
  pace.written(4 * MIB);
  assert.equal(syncs.length, 1, "one at a time");
  assert.deepEqual(held, [true]);
  syncs[0]!();
  await settle();
  assert.deepEqual(held, [true, false], "60 of 64 MiB are at risk");
  pace.came(4 * MIB);
  assert.equal(syncs.length, 2, "the second frame was not in the first sync");
});

Deno.test("at the end nothing is held, and the last sync is waited for", async () => {
  const { pace, syncs, held, settle } = makePace(0);
  pace.came(20 * MIB);
  pace.written(MIB);
  let ended = false;
  const end = pace.end().then(() => ended = true);
  assert.deepEqual(held, [true, false]);
  await settle();
  assert.equal(ended, false);
  syncs[0]!();
  await end;
  assert.equal(syncs.length, 1);
});
