import assert from "node:assert/strict";
import { qrCode } from "./qr_code.ts";

/** Reads a code as a scanner does, by ISO/IEC 18004 §11: format, mask, codewords, errors, bytes. */
function read(grid: readonly (readonly boolean[])[]): string {
  const size = grid.length, version = (size - 17) / 4;
  const dark = (row: number, column: number) => grid[row]?.[column] === true;
  const isFinder = (row: number, column: number) =>
    (row < 9 && (column < 9 || column >= size - 8)) || (row >= size - 8 && column < 9);
  const isAlignment = (row: number, column: number) =>
    version > 1 && Math.abs(row - (size - 7)) <= 2 && Math.abs(column - (size - 7)) <= 2;
  // the copy of the format beside the upper left finder, from its lowest bit on
  const places = [[0, 8], [1, 8], [2, 8], [3, 8], [4, 8], [5, 8], [7, 8], [8, 8], [8, 7]] as const;
  const across = [[8, 5], [8, 4], [8, 3], [8, 2], [8, 1], [8, 0]] as const;
  const format = [...places, ...across].reduce((sum, [r, c], i) => sum | (dark(r, c) ? 1 << i : 0), 0) ^
    0x5412;
  assert.equal(format >> 13, 1, "level L");
  const mask = format >> 10 & 7;
  const inverted = (r: number, c: number): boolean =>
    [
      (r + c) % 2 === 0,
      r % 2 === 0,
      c % 3 === 0,
      (r + c) % 3 === 0,
      ((r >> 1) + Math.floor(c / 3)) % 2 === 0,
      r * c % 2 + r * c % 3 === 0,
      (r * c % 2 + r * c % 3) % 2 === 0,
      ((r + c) % 2 + r * c % 3) % 2 === 0,
    ][mask] as boolean;
  const bits: number[] = [];
  let isUp = true;
  for (let right = size - 1; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right = 5;
    for (let i = 0; i < size; i++) {
      const row = isUp ? size - 1 - i : i;
      for (const column of [right, right - 1]) {
        if (isFinder(row, column) || isAlignment(row, column) || row === 6 || column === 6) continue;
        bits.push(Number(dark(row, column) !== inverted(row, column)));
      }
    }
  }
  const words = Array.from(
    { length: Math.floor(bits.length / 8) },
    (_, i) => parseInt(bits.slice(8 * i, 8 * i + 8).join(""), 2),
  );
  const correction = [7, 10, 15, 20][version - 1] ?? assert.fail();
  for (let i = 0; i < correction; i++) assert.equal(valueAt(words, power(i)), 0, `syndrome ${i}`);
  const nibbles = words.flatMap((word) => [word >> 4, word & 15]);
  assert.equal(nibbles[0], 4, "byte mode");
  const length = (nibbles[1] ?? 0) << 4 | (nibbles[2] ?? 0);
  const bytes = Array.from({ length }, (_, i) => (nibbles[3 + 2 * i] ?? 0) << 4 | (nibbles[4 + 2 * i] ?? 0));
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** By tables of logarithms, so that it shares nothing with the code that is tested. */
const EXP: number[] = [1];
for (let i = 1; i < 255; i++) {
  const double = (EXP[i - 1] as number) * 2;
  EXP.push(double > 255 ? double ^ 0x11d : double);
}
const power = (i: number) => EXP[i % 255] as number;
const times = (a: number, b: number) => a === 0 || b === 0 ? 0 : power(EXP.indexOf(a) + EXP.indexOf(b));
const valueAt = (words: readonly number[], x: number) => words.reduce((sum, word) => times(sum, x) ^ word, 0);

Deno.test("a code of each version is read back, without an error in it", () => {
  for (const length of [1, 17, 18, 32, 33, 53, 54, 78]) {
    const text = `https://10.0.0.1:8443/nodes/${"node-017.rack2.example.org".repeat(3)}`.slice(0, length);
    assert.equal(read(qrCode(text) ?? assert.fail()), text);
  }
  assert.equal(read(qrCode("Knoten ä 节点") ?? assert.fail()), "Knoten ä 节点");
});

Deno.test("a text that does not fit has no code", () => {
  assert.equal(qrCode("x".repeat(79)), undefined);
});
