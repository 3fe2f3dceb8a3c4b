import assert from "node:assert/strict";
import fc from "fast-check";
import { toHex } from "#torrent/metainfo/hex.ts";
import { FileIndexes } from "./file_indexes.ts";

function sourceOf(bytes: Uint8Array) {
  let at = 0;
  return { take: (length: number) => Promise.resolve(bytes.slice(at, at += length)) };
}

Deno.test("file numbers are encoded as rsync encodes them", () => {
  const indexes = new FileIndexes(31);
  const hex = [0, 1, -1, 1, 300, 100_000, 5, -3, -3].map((index) => toHex(indexes.encode(index)));
  assert.deepEqual(hex, [
    "01",
    "01",
    "00",
    "fe0000",
    "fe012b",
    "fe80a08601",
    "fe80050000",
    "ff02",
    "fffe0000",
  ]);
  assert.equal(toHex(new FileIndexes(29).encode(-1)), "ffffffff");
});

Deno.test("any sequence of file numbers survives encoding", async () => {
  const index = fc.oneof(fc.integer({ min: -400, max: 70_000 }), fc.nat());
  await fc.assert(fc.asyncProperty(fc.array(index), fc.constantFrom(27, 30, 31), async (row, protocol) => {
    const [ours, theirs] = [new FileIndexes(protocol), new FileIndexes(protocol)];
    const source = sourceOf(Buffer.concat(row.map((one) => ours.encode(one))));
    for (const one of row) assert.equal(await theirs.read(source), one);
  }));
});
