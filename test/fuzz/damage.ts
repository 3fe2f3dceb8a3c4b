/** Attacks that need no knowledge of a format: on lengths, signs, nesting and repetition. */

const MAX_BYTES = 64 * 1024;
const NUMBERS = ["-1", "-3", "-0", "0", "00", "1", "255", "65536", "2147483648", "4294967296", "99999999999"];
const LONG_NUMBERS = ["9007199254740993", "9".repeat(400), "1e9", "0x7fffffff"];
const WORDS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Seeded random numbers (mulberry32), from 0 up to but not including `below`. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * below);
  };
}

/** Makes one to four attacks on `bytes`; `other` is a second input to take parts from. */
export function damaged(bytes: Uint8Array, { other, random }: {
  other: Uint8Array;
  random: (below: number) => number;
}): Uint8Array {
  let out = bytes;
  for (let left = 1 + random(4); left > 0; left--) {
    const attack = ATTACKS[random(ATTACKS.length)] as Attack;
    out = attack(out, { other, random }).slice(0, MAX_BYTES);
  }
  return out;
}

type Attack = (bytes: Uint8Array, context: {
  other: Uint8Array;
  random: (below: number) => number;
}) => Uint8Array;

const ATTACKS: readonly Attack[] = [
  // a byte
  (bytes, { random }) => replaced(bytes, [random(256)], { at: random(bytes.length + 1), instead: 1 }),
  (bytes, { random }) =>
    replaced(bytes, [(bytes[0] ?? 0) ^ 1 << random(8)], { at: random(bytes.length + 1), instead: 1 }),
  (bytes, { random }) => replaced(bytes, [random(256)], { at: random(bytes.length + 1), instead: 0 }),
  // a part
  (bytes, { random }) => bytes.subarray(0, random(bytes.length + 1)),
  (bytes, { random }) => replaced(bytes, [], { at: random(bytes.length + 1), instead: 1 + random(16) }),
  (bytes, { random }) => {
    const at = random(bytes.length + 1);
    const part = bytes.subarray(at, at + 1 + random(64));
    return replaced(bytes, repeated(part, 1 + random(8)), { at, instead: 0 });
  },
  (bytes, { other, random }) =>
    joined(bytes.subarray(0, random(bytes.length + 1)), other.subarray(random(other.length + 1))),
  // a length: a word of 1, 2 or 4 bytes in either order
  (bytes, { random }) => {
    const size = [1, 2, 4][random(3)] as number;
    const word = WORDS[random(WORDS.length)] as number;
    const big = [24, 16, 8, 0].map((shift) => word >>> shift & 0xff).slice(-size);
    const at = random(bytes.length + 1);
    return replaced(bytes, random(2) === 0 ? big : big.reverse(), { at, instead: size });
  },
  // a number in digits: its sign, its size, its zeros
  (bytes, { random }) => {
    const start = digitFrom(bytes, random(bytes.length + 1));
    let end = start;
    while (isDigit(bytes[end])) end++;
    const numbers = random(4) === 0 ? LONG_NUMBERS : NUMBERS;
    const number = new TextEncoder().encode(numbers[random(numbers.length)]);
    return replaced(bytes, number, { at: start, instead: end - start });
  },
  // nesting and repetition: one byte, or a short part, very often
  (bytes, { random }) => {
    const at = random(bytes.length + 1);
    const part = bytes.subarray(at, at + 1 + random(4));
    return replaced(bytes, repeated(part, 1 << random(14)), { at, instead: 0 });
  },
  (bytes, { random }) => repeated(bytes, 1 << random(5)),
];

function replaced(
  bytes: Uint8Array,
  part: ArrayLike<number>,
  { at, instead }: { at: number; instead: number },
): Uint8Array {
  return joined(bytes.subarray(0, at), part, bytes.subarray(at + instead));
}

function joined(...parts: ArrayLike<number>[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function repeated(part: Uint8Array, times: number): Uint8Array {
  const count = part.length === 0 ? 0 : Math.min(times, Math.ceil(MAX_BYTES / part.length));
  const out = new Uint8Array(part.length * count);
  for (let i = 0; i < count; i++) out.set(part, i * part.length);
  return out;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** The first digit at or after `at`; the end if there is none. */
function digitFrom(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && !isDigit(bytes[at])) at++;
  return at;
}
