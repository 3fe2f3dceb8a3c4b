/** When a disk becomes nearly full. */

/** Shares of free space. In between, a disk stays what it was, so that one at the border is reported once. */
const NEARLY_FULL = 0.1, ROOMY = 0.12;

export class DiskWatch {
  #isLow = false;

  /** Whether the disk became nearly full since the last check. */
  check({ freeBytes, sizeBytes }: { freeBytes: number; sizeBytes: number }): boolean {
    const share = freeBytes / sizeBytes;
    const wasLow = this.#isLow;
    this.#isLow = share < (wasLow ? ROOMY : NEARLY_FULL);
    return this.#isLow && !wasLow;
  }
}
