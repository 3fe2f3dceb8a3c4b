/**
 * Bencoding (BEP 3). Decoding is strict, since the bytes come from peers, trackers and files:
 *
 *     integer     i-42e             no "-0", no leading zeros, a safe integer
 *     bytes       4:spam            no sign and no leading zeros in the length
 *     list        l…e
 *     dictionary  d(bytes value)…e  each key once; unsorted keys are accepted, and written sorted
 */
export type Bencoded = number | Uint8Array<ArrayBuffer> | readonly Bencoded[] | BencodedDictionary;

/** Keys are bytes, one Latin-1 character each, so that an info hash can be a key. A Map has no `__proto__`. */
export type BencodedDictionary = ReadonlyMap<string, Bencoded>;

/** A value that can be encoded. Strings are written as UTF-8. */
export type Bencodable =
  | number
  | string
  | Uint8Array
  | readonly Bencodable[]
  | ReadonlyMap<string, Bencodable>;

/** The bytes are not bencoded, or exceed the limits. */
export class BencodeError extends Error {
  override readonly name = "BencodeError";
}

const MAX_DEPTH = 16;
/** More than any message from a peer or tracker has. Only a torrent's file list may exceed it. */
const MAX_VALUES = 20_000;
const BYTE = {
  colon: 0x3a,
  minus: 0x2d,
  zero: 0x30,
  nine: 0x39,
  d: 0x64,
  e: 0x65,
  i: 0x69,
  l: 0x6c,
} as const;
const MAX_INTEGER_DIGITS = 16;
const MAX_LENGTH_DIGITS = 10;
const KEY_STEP = 8192;

/**
 * Throws BencodeError unless the bytes are exactly one value. `maxValues` bounds what is allocated.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeBencode, encodeBencode } from "#torrent/metainfo/bencode.ts";
 *
 * const bytes = encodeBencode(new Map([["interval", 30]]));
 * assert.equal(new TextDecoder().decode(bytes), "d8:intervali30ee");
 * assert.deepEqual(decodeBencode(bytes), new Map([["interval", 30]]));
 * ```
 */
export function decodeBencode(bytes: Uint8Array, { maxValues = MAX_VALUES } = {}): Bencoded {
  const reader = new Reader(bytes, maxValues);
  const value = reader.value(0);
  reader.end();
  return value;
}

export function encodeBencode(value: Bencodable): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  write(value, parts);
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A dictionary key from any bytes. Works in steps, since the number of arguments in a call is limited. */
export function bencodeKey(bytes: Uint8Array): string {
  let key = "";
  for (let at = 0; at < bytes.length; at += KEY_STEP) {
    key += String.fromCharCode(...bytes.subarray(at, at + KEY_STEP));
  }
  return key;
}

export function isDictionary(value: Bencoded | undefined): value is BencodedDictionary {
  return value instanceof Map;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #valuesLeft: number;

  constructor(bytes: Uint8Array, maxValues: number) {
    this.#bytes = bytes;
    this.#valuesLeft = maxValues;
  }

  value(depth: number): Bencoded {
    if (depth > MAX_DEPTH) throw new BencodeError(`nested deeper than ${MAX_DEPTH}`);
    if (this.#valuesLeft-- <= 0) throw new BencodeError("too many values");
    switch (this.#bytes[this.#at]) {
      case BYTE.i:
        this.#at++;
        return this.#integer();
      case BYTE.l:
        this.#at++;
        return this.#list(depth);
      case BYTE.d:
        this.#at++;
        return this.#dictionary(depth);
      default:
        return this.#string();
    }
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw new BencodeError("bytes after the value");
  }

  #list(depth: number): Bencoded[] {
    const list: Bencoded[] = [];
    while (!this.#takes(BYTE.e)) list.push(this.value(depth + 1));
    return list;
  }

  #dictionary(depth: number): BencodedDictionary {
    const dictionary = new Map<string, Bencoded>();
    while (!this.#takes(BYTE.e)) {
      const key = bencodeKey(this.#string());
      if (dictionary.has(key)) throw new BencodeError("a key occurs twice");
      dictionary.set(key, this.value(depth + 1));
    }
    return dictionary;
  }

  #integer(): number {
    const negative = this.#takes(BYTE.minus);
    const size = this.#digits(MAX_INTEGER_DIGITS);
    if (!this.#takes(BYTE.e)) throw new BencodeError("an integer without an end");
    if (negative && size === 0) throw new BencodeError("the integer -0");
    if (!Number.isSafeInteger(size)) throw new BencodeError("an integer out of range");
    return negative ? -size : size;
  }

  #string(): Uint8Array<ArrayBuffer> {
    const length = this.#digits(MAX_LENGTH_DIGITS);
    if (!this.#takes(BYTE.colon)) throw new BencodeError("a length without a colon");
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new BencodeError("a string runs past the end");
    const string = new Uint8Array(this.#bytes.subarray(this.#at, end));
    this.#at = end;
    return string;
  }

  /** An unsigned decimal number without leading zeros. */
  #digits(max: number): number {
    const start = this.#at;
    let value = 0;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < BYTE.zero || byte > BYTE.nine) break;
      value = value * 10 + (byte - BYTE.zero);
      this.#at++;
      if (this.#at - start > max) throw new BencodeError("a number with too many digits");
    }
    if (this.#at === start) throw new BencodeError("a number without digits");
    if (this.#at - start > 1 && this.#bytes[start] === BYTE.zero) throw new BencodeError("a leading zero");
    return value;
  }

  #takes(byte: number): boolean {
    if (this.#bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }
}

function write(value: Bencodable, parts: Uint8Array[]): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} cannot be bencoded`);
    parts.push(utf8(`i${value}e`));
  } else if (typeof value === "string") writeString(utf8(value), parts);
  else if (value instanceof Uint8Array) writeString(value, parts);
  else if (value instanceof Map) {
    parts.push(utf8("d"));
    for (const key of [...value.keys()].sort()) {
      writeString(Buffer.from(key, "latin1"), parts);
      write(value.get(key), parts);
    }
    parts.push(utf8("e"));
  } else {
    parts.push(utf8("l"));
    for (const item of value as readonly Bencodable[]) write(item, parts);
    parts.push(utf8("e"));
  }
}

function writeString(bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(utf8(`${bytes.length}:`), bytes);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
