/** How long a machine that got shim may ask for its second stage. It does so at once. */
const WAIT_MS = 120_000;
/** More than start in that time in any room. */
const MAX_CLIENTS = 1024;

/**
 * Machines that have just fetched shim. Shim 15.8 takes the boot entry's description for load options on some
 * firmware and asks for "\xd7Onboard" instead of grubx64.efi (rhboot/shim#649, #696); no name can be foreseen, so
 * what such a machine asks for next, if the table does not have it, is the GRUB it wants.
 */
export class ShimClients {
  readonly #since = new Map<string, number>();

  /** `address` has fetched shim. */
  add(address: string, nowMs: number): void {
    this.#since.delete(address);
    const [oldest] = this.#since.keys();
    if (oldest !== undefined && this.#since.size >= MAX_CLIENTS) this.#since.delete(oldest);
    this.#since.set(address, nowMs);
  }

  /** Whether the machine at `address` is to be expected to ask for the second stage. */
  has(address: string, nowMs: number): boolean {
    const since = this.#since.get(address);
    return since !== undefined && nowMs - since < WAIT_MS;
  }
}
