/** DER (X.690): enough of it for signatures. */

import { Buffer } from "node:buffer";

export type Der = Uint8Array<ArrayBuffer>;

/** One value: tag, length, content. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Der {
  const length = contents.reduce((sum, content) => sum + content.length, 0);
  return joined([Uint8Array.of(tag, ...lengthBytes(length)), ...contents]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

export const sequence = (...items: readonly Uint8Array[]): Der => der(0x30, ...items);
export const octets = (bytes: Uint8Array): Der => der(0x04, bytes);
export const NULL: Der = Uint8Array.of(5, 0);

/** A SET OF; DER sorts its members. */
export function setOf(...items: readonly Uint8Array[]): Der {
  return der(0x31, ...[...items].sort(compareBytes));
}

/** A context-specific, constructed tag. */
export function tagged(number: number, ...contents: readonly Uint8Array[]): Der {
  return der(0xa0 | number, ...contents);
}

/** An object identifier: "1.2.840.113549.1.7.2". */
export function oid(text: string): Der {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return der(6, Uint8Array.of(first * 40 + second, ...rest.flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | rest % 128);
  }
  return bytes;
}

interface DerValue {
  readonly tag: number;
  /** With tag and length. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** Splits bytes into the values that follow one another. Throws RangeError if one is cut off or not DER. */
export function derValues(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0, first = bytes[at + 1] ?? 0xff;
    const count = first < 0x80 ? 0 : first & 0x7f;
    if (count > 4 || (first >= 0x80 && count === 0)) throw new RangeError("a DER length is not valid");
    const digits = bytes.subarray(at + 2, at + 2 + count);
    const length = first < 0x80 ? first : digits.reduce((sum, byte) => sum * 256 + byte, 0);
    const start = at + 2 + count, end = start + length;
    if (digits.length < count || end > bytes.length) throw new RangeError("a DER value is cut off");
    values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) });
    at = end;
  }
  return values;
}

export function joined(parts: readonly Uint8Array[]): Der {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
