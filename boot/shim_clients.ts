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
  readonly #shims = new Map<string, { readonly sinceMs: number; readonly secondStage: string }>();

  /** Records that the machine at `address` has fetched shim. */
  add(address: string, { secondStage, nowMs }: { secondStage: string; nowMs: number }): void {
    this.#shims.delete(address);
    const [oldest] = this.#shims.keys();
    if (oldest !== undefined && this.#shims.size >= MAX_CLIENTS) this.#shims.delete(oldest);
    this.#shims.set(address, { sinceMs: nowMs, secondStage });
  }

  /** The second stage that the machine at `address` is expected to request; undefined if none is expected. */
  secondStageOf(address: string, nowMs: number): string | undefined {
    const shim = this.#shims.get(address);
    return shim !== undefined && nowMs - shim.sinceMs < WAIT_MS ? shim.secondStage : undefined;
  }
}
