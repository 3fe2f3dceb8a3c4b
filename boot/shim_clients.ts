/** How long after fetching shim a machine may request its second stage. In practice it does so at once. */
const WAIT_MS = 120_000;
/** More machines than start within that time at any site. */
const MAX_CLIENTS = 1024;

/**
 * Machines that have just fetched shim. On some firmware, shim 15.8 mistakes the boot entry's description for load
 * options and requests "\xd7Onboard" instead of grubx64.efi (rhboot/shim#649, #696). The name is unpredictable, so
 * if such a machine next requests a name that the table lacks, it gets GRUB.
 */
export class ShimClients {
  readonly #since = new Map<string, number>();

  /** Records that the machine at `address` has fetched shim. */
  add(address: string, nowMs: number): void {
    this.#since.delete(address);
    const [oldest] = this.#since.keys();
    if (oldest !== undefined && this.#since.size >= MAX_CLIENTS) this.#since.delete(oldest);
    this.#since.set(address, nowMs);
  }

  /** Whether the machine at `address` is expected to request its second stage. */
  has(address: string, nowMs: number): boolean {
    const since = this.#since.get(address);
    return since !== undefined && nowMs - since < WAIT_MS;
  }
}
