import assert from "node:assert/strict";
import { crc32, inflateSync } from "node:zlib";
import { pngOf } from "./png.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a pixmap becomes a PNG with the same pixels", () => {
  const pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const png = pngOf(new Uint8Array([...encode("P6\n3 2\n255\n"), ...pixels]));
  const view = new DataView(png.buffer);
  assert.deepEqual([...png.subarray(1, 4)], [...encode("PNG")]);
  assert.deepEqual([view.getUint32(16), view.getUint32(20)], [3, 2]);
  const length = view.getUint32(33);
  assert.equal(view.getUint32(41 + length), crc32(png.subarray(37, 41 + length)));
  const rows = inflateSync(png.subarray(41, 41 + length));
  assert.deepEqual([...rows], [0, ...pixels.slice(0, 9), 0, ...pixels.slice(9)]);
});

Deno.test("what is no whole pixmap is refused", () => {
  for (
    const text of [
      "",
      "P5\n1 1\n255\nx",
      "P6\n2 2\n255\nabc",
      "P6\n0 0\n255\n",
      "P6\n99999 1\n255\n",
      "P6\n1 1\n65535\nabcdef",
    ]
  ) {
    assert.throws(() => pngOf(encode(text)), /no pixmap/, text);
  }
});
