import { type ByteSource, int32, readInt32, WireError } from "./integers.ts";

/** Special values in place of a file number: the phase is over, or the client's deletion counts follow. */
export const INDEX = { done: -1, deletions: -3 } as const;

/**
 * Encodes file numbers in one direction of a session (write_ndx and read_ndx in rsync's io.c). Before protocol 30
 * they are plain 32-bit integers; since then, differences to the previous number, separately for negative and other
 * numbers:
 *
 *     00                           −1
 *     DD                           difference 1 to 253
 *     FE hi lo                     difference 0 to 32767
 *     FE 80|b3 b0 b1 b2            the number itself
 *     FF, then one of these        a negative number, encoded as its absolute value
 */
export class FileIndexes {
  readonly #protocol: number;
  #positive = -1;
  #negative = 1;

  constructor(protocol: number) {
    this.#protocol = protocol;
  }

  encode(index: number): Uint8Array {
    if (this.#protocol < 30) return int32(index);
    if (index === INDEX.done) return Uint8Array.of(0);
    const number = Math.abs(index);
    const difference = number - this.#move(index < 0, number);
    const sign = index < 0 ? [0xff] : [];
    if (difference > 0 && difference < 0xfe) return Uint8Array.of(...sign, difference);
    if (difference >= 0 && difference <= 0x7fff) {
      return Uint8Array.of(...sign, 0xfe, difference >> 8, difference & 0xff);
    }
    const [b0, b1, b2, b3] = int32(number) as unknown as [number, number, number, number];
    return Uint8Array.of(...sign, 0xfe, b3 | 0x80, b0, b1, b2);
  }

  async read(source: ByteSource): Promise<number> {
    if (this.#protocol < 30) return await readInt32(source);
    const byte = async () => (await source.take(1))[0] as number;
    let first = await byte();
    if (first === 0) return INDEX.done;
    const negative = first === 0xff;
    if (negative) first = await byte();
    let number = first + (negative ? this.#negative : this.#positive);
    if (first === 0xfe) {
      const high = await byte(), low = await byte();
      if (high & 0x80) number = low + (await byte() << 8) + (await byte() << 16) + (high & 0x7f) * 2 ** 24;
      else number += (high << 8) + low - first;
    }
    if (number < 0 || number > 0x7fffffff) throw new WireError("a file's number is out of range");
    this.#move(negative, number);
    return negative ? -number : number;
  }

  /** Records the number and returns the previous one. */
  #move(negative: boolean, number: number): number {
    const before = negative ? this.#negative : this.#positive;
    if (negative) this.#negative = number;
    else this.#positive = number;
    return before;
  }
}
