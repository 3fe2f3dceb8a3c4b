/** Big-endian fields of the TPM's structures (TPM 2.0 Library, Part 2). */

/** Reads fields one after another; throws RangeError at the end of the bytes. */
export class TpmReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#skip(length);
    return this.#bytes.slice(at, at + length);
  }

  /** A TPM2B: its size in two bytes, then its bytes. */
  sized(): Uint8Array<ArrayBuffer> {
    return this.take(this.u16());
  }

  /** Throws RangeError unless all bytes were read. */
  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw new RangeError(`${this.#bytes.length - this.#at} bytes too many in a structure of the TPM`);
    }
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw new RangeError("a structure of the TPM is too short");
    this.#at += length;
    return at;
  }
}

export function u16(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** A TPM2B with these parts. */
export function sized(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  return concat(u16(content.length), content);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
