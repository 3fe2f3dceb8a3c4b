/**
 * A set of pieces in the layout of the bitfield message (BEP 3): bit 7 of byte 0 is piece 0, and spare bits at the end
 * are zero.
 */
export class Bitfield {
  readonly size: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.#bytes = new Uint8Array(Math.ceil(size / 8));
  }

  static full(size: number): Bitfield {
    const field = new Bitfield(size);
    for (let index = 0; index < size; index++) field.add(index);
    return field;
  }

  /** Parses a bitfield message's payload. Undefined if its length is wrong or a spare bit is set. */
  static parse(bytes: Uint8Array, size: number): Bitfield | undefined {
    const field = new Bitfield(size);
    if (bytes.length !== field.#bytes.length) return undefined;
    for (let index = 0; index < bytes.length * 8; index++) {
      if (((bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) === 0) continue;
      if (index >= size) return undefined;
      field.add(index);
    }
    return field;
  }

  /** How many pieces are in the set. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.size;
  }

  has(index: number): boolean {
    return ((this.#bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  /** Adds a piece. False if it was in the set already or is out of range. */
  add(index: number): boolean {
    if (index >= this.size || this.has(index)) return false;
    this.#bytes[index >> 3]! |= 0x80 >> (index & 7);
    this.#count++;
    return true;
  }

  /** Removes a piece. False if it was not in the set. */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.#bytes[index >> 3]! &= ~(0x80 >> (index & 7));
    this.#count--;
    return true;
  }

  /** The first piece from `from` on that is in both sets, or -1. Both have the same size. Tests eight at a time. */
  nextCommon(other: Bitfield, from: number): number {
    const mine = this.#bytes;
    const theirs = other.#bytes;
    let at = from >> 3;
    if (at >= mine.length) return -1;
    let bits = mine[at]! & theirs[at]! & (0xff >> (from & 7));
    while (bits === 0) {
      if (++at === mine.length) return -1;
      bits = mine[at]! & theirs[at]!;
    }
    return at * 8 + Math.clz32(bits) - 24;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }
}
