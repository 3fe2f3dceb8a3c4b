/**
 * QR codes (ISO/IEC 18004:2015) for short addresses: bytes, error correction level L, versions 1 to 4, which have a
 * single block of error correction. Pure.
 */

/** By version, from 1 on: codewords of data, and of error correction (ISO/IEC 18004 table 9). */
const SIZES = [[19, 7], [34, 10], [55, 15], [80, 20]] as const;
/** Mode, length and terminator (§7.4). */
const OVERHEAD = 2;

type Grid = (boolean | undefined)[][];

/**
 * Rows of modules, true for dark, without the quiet zone. Undefined if the text is too long: more than 78 bytes.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { qrCode } from "./qr_code.ts";
 *
 * assert.equal(qrCode("https://10.0.0.1:8443/nodes/n1")?.length, 25);
 * ```
 */
export function qrCode(text: string): boolean[][] | undefined {
  const bytes = new TextEncoder().encode(text);
  const at = SIZES.findIndex(([data]) => bytes.length + OVERHEAD <= data);
  const sizes = SIZES[at];
  if (!sizes) return undefined;
  const [data, correction] = sizes, words = dataWords(bytes, data);
  const all = [...words, ...remainder(words, correction)];
  const candidates = MASKS.map((_, mask) => drawn(all, { version: at + 1, mask }));
  return candidates.toSorted((a, b) => penalty(a) - penalty(b))[0];
}

/** §7.4: 0100, the length, the bytes, 0000, then padding. */
function dataWords(bytes: Uint8Array, size: number): number[] {
  const half = [
    4,
    bytes.length >> 4,
    bytes.length & 15,
    ...[...bytes].flatMap((byte) => [byte >> 4, byte & 15]),
    0,
  ];
  const words = Array.from(
    { length: half.length / 2 },
    (_, i) => (half[2 * i] ?? 0) << 4 | (half[2 * i + 1] ?? 0),
  );
  for (let pad = 0xec; words.length < size; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** The product in GF(2⁸) with x⁸ + x⁴ + x³ + x² + 1 (§7.5.2). */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 7; bit >= 0; bit--) sum = (sum << 1) ^ ((sum >> 7) * 0x11d) ^ ((b >> bit & 1) * a);
  return sum;
}

/** The Reed-Solomon error correction codewords (§7.5.2). */
function remainder(words: readonly number[], degree: number): number[] {
  let generator = [1];
  for (let i = 0, root = 1; i < degree; i++, root = product(root, 2)) {
    const next = [...generator, 0];
    for (const [j, factor] of generator.entries()) next[j + 1] = (next[j + 1] ?? 0) ^ product(factor, root);
    generator = next;
  }
  const rest = new Array<number>(degree).fill(0);
  for (const word of words) {
    const factor = word ^ (rest.shift() ?? 0);
    rest.push(0);
    for (let i = 0; i < degree; i++) rest[i] = (rest[i] ?? 0) ^ product(generator[i + 1] ?? 0, factor);
  }
  return rest;
}

/** §7.8.2: which modules are inverted. */
const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (_, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => r * c % 2 + r * c % 3 === 0,
  (r, c) => (r * c % 2 + r * c % 3) % 2 === 0,
  (r, c) => ((r + c) % 2 + r * c % 3) % 2 === 0,
];

function drawn(words: readonly number[], { version, mask }: { version: number; mask: number }): boolean[][] {
  const grid = patterns(version, mask), size = grid.length;
  let bit = 0;
  // §7.7.3: two columns at a time, from the right, upwards and downwards in turn; the timing column is left out
  for (let pair = 0, right = size - 1; right > 0; pair++, right -= right === 8 ? 3 : 2) {
    for (let i = 0; i < size; i++) {
      const row = pair % 2 === 0 ? size - 1 - i : i;
      for (const column of [right, right - 1]) {
        const line = grid[row] as Grid[number];
        if (line[column] !== undefined) continue;
        const word = words[bit >> 3] ?? 0, isDark = (word >> (7 - bit & 7) & 1) === 1;
        bit++;
        line[column] = isDark !== MASKS[mask]?.(row, column);
      }
    }
  }
  return grid.map((line) => line.map((module) => module === true));
}

/** Everything but the data: finders, timing, alignment and format (§6.3, §7.9). */
function patterns(version: number, mask: number): Grid {
  const size = 17 + 4 * version;
  const grid: Grid = Array.from({ length: size }, () => new Array(size).fill(undefined));
  const set = (row: number, column: number, isDark: boolean) => {
    const line = grid[row];
    if (line && column >= 0 && column < size) line[column] = isDark;
  };
  const square = (
    row: number,
    column: number,
    { reach, light }: { reach: number; light: readonly number[] },
  ) => {
    for (let r = -reach; r <= reach; r++) {
      for (let c = -reach; c <= reach; c++) {
        set(row + r, column + c, !light.includes(Math.max(Math.abs(r), Math.abs(c))));
      }
    }
  };
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) {
    square(row, column, { reach: 4, light: [2, 4] });
  }
  if (version > 1) square(size - 7, size - 7, { reach: 2, light: [1] });
  const format = formatBits(mask), bit = (i: number) => (format >> i & 1) === 1;
  const along = [0, 1, 2, 3, 4, 5, 7, 8];
  for (let i = 0; i < 8; i++) {
    set(along[i] ?? 0, 8, bit(i));
    set(8, size - 1 - i, bit(i));
  }
  for (let i = 8; i < 15; i++) {
    set(8, along[14 - i] ?? 0, bit(i));
    set(size - 15 + i, 8, bit(i));
  }
  set(size - 8, 8, true);
  return grid;
}

/** §7.9.1: level L is 01; BCH (15, 5), masked. */
function formatBits(mask: number): number {
  const data = 1 << 3 | mask;
  let rest = data << 10;
  for (let bit = 14; bit >= 10; bit--) if (rest >> bit & 1) rest ^= 0x537 << (bit - 10);
  return (data << 10 | rest) ^ 0x5412;
}

/** §7.8.3, without the rule about patterns like finders: any mask can be read, some more easily. */
function penalty(grid: readonly (readonly boolean[])[]): number {
  const at = (row: number, column: number) => grid[row]?.[column];
  let points = 0, dark = 0;
  for (let i = 0; i < grid.length; i++) {
    for (let j = 0, across = 0, down = 0; j < grid.length; j++) {
      across = j > 0 && at(i, j) === at(i, j - 1) ? across + 1 : 1;
      down = j > 0 && at(j, i) === at(j - 1, i) ? down + 1 : 1;
      points += [across, down].reduce((sum, run) => sum + (run === 5 ? 3 : run > 5 ? 1 : 0), 0);
      const isBlock = [at(i, j + 1), at(i + 1, j), at(i + 1, j + 1)].every((other) => other === at(i, j));
      points += isBlock ? 3 : 0;
      dark += at(i, j) ? 1 : 0;
    }
  }
  return points + 10 * Math.floor(Math.abs(dark / grid.length ** 2 - 0.5) * 20);
}
