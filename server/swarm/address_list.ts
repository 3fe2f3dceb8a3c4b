/** Compact addresses of equal length, back to back, unordered. When one moves, its owner's `index` follows. */
export class AddressList<Owner extends { index: number }> {
  readonly #bytesEach: number;
  #bytes: Uint8Array;
  readonly #owners: Owner[] = [];

  constructor(bytesEach: 6 | 18) {
    this.#bytesEach = bytesEach;
    this.#bytes = new Uint8Array(16 * bytesEach);
  }

  get length(): number {
    return this.#owners.length;
  }

  add(owner: Owner, compact: Uint8Array): void {
    owner.index = this.#owners.push(owner) - 1;
    if (this.length * this.#bytesEach > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.set(owner, compact);
  }

  set({ index }: Owner, compact: Uint8Array): void {
    this.#bytes.set(compact, index * this.#bytesEach);
  }

  /** The last address moves into the gap. */
  delete({ index }: Owner): void {
    const last = this.#owners.pop();
    if (!last || index === this.length) return;
    this.#owners[index] = last;
    last.index = index;
    const from = this.length * this.#bytesEach;
    this.#bytes.copyWithin(index * this.#bytesEach, from, from + this.#bytesEach);
  }

  /** Copies one address and returns its end. Byte by byte: for this few, `set` costs three times as much. */
  copy(index: number, { into, at }: { into: Uint8Array; at: number }): number {
    let from = index * this.#bytesEach;
    for (let i = 0; i < this.#bytesEach; i++) into[at++] = this.#bytes[from++]!;
    return at;
  }
}
