import assert from "node:assert/strict";
import { wipeRanges } from "#plan/wipe.ts";

const signatureAreas = (sizeBytes: number) =>
  wipeRanges([{ at: 0, bytes: sizeBytes }], { sizeBytes, sectorBytes: 512 });

const MIB = 1 << 20, GIB = 2 ** 30;

/** Where formats keep what identifies them, in bytes from the start, or before the end if negative. */
const PLACES: readonly (readonly [string, number, (sizeBytes: number) => number])[] = [
  ["MD 0.90", 4096, (size) => Math.floor(size / 65_536) * 65_536 - 65_536],
  ["MD 1.0", 4096, (size) => Math.floor((size - 8192) / 4096) * 4096],
  ["MD 1.2", 4096, () => 4096],
  ["LVM label in the fourth sector", 512, () => 3 * 512],
  ["second header of LUKS2", 4096, () => 4 * MIB],
  ["ZFS label 1", 256 << 10, () => 256 << 10],
  ["ZFS label 2", 256 << 10, (size) => Math.floor(size / (256 << 10)) * (256 << 10) - (512 << 10)],
  ["ZFS label 3", 256 << 10, (size) => Math.floor(size / (256 << 10)) * (256 << 10) - (256 << 10)],
  ["DDF anchor", 512, (size) => size - 512],
  ["Intel's anchor", 1024, (size) => size - 1024],
  ["backup GPT", 33 * 512, (size) => size - 33 * 512],
  ["first copy of btrfs", 4096, () => 64 * MIB],
  ["second copy of btrfs", 4096, () => 256 * GIB],
];
const SIZES = [1 * MIB, 10 * MIB + 512, 65 * MIB, 40 * GIB, 257 * GIB + 4096 * 3 + 512, 8e12];

for (const [name, bytes, placeOf] of PLACES) {
  Deno.test(`${name} lies in an area that is wiped, whatever the size`, () => {
    for (const size of SIZES) {
      const at = placeOf(size);
      if (at < 0 || at + bytes > size) continue;
      const covered = signatureAreas(size).some((a) => a.at <= at && a.at + a.bytes >= at + bytes);
      // in a small volume two areas may meet in the middle of a signature
      const whole = signatureAreas(size).reduce((sum, a) => sum + a.bytes, 0) === size;
      assert.ok(covered || whole, `${size}: ${at}`);
    }
  });
}

Deno.test("the areas stay within the volume, in order and apart", () => {
  for (const size of [...SIZES, 1024, 8 * MIB, 8 * MIB + 1024, 64 * MIB + 4096]) {
    let end = 0;
    for (const { at, bytes } of signatureAreas(size)) {
      assert.ok(at >= end && bytes > 0 && at + bytes <= size, `${size}: ${at}+${bytes}`);
      end = at + bytes;
    }
    assert.equal(end, size);
  }
});
