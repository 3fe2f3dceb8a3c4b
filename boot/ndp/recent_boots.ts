import type { MacAddress } from "../dhcp/address.ts";

/** From a machine's DISCOVER until its operating system runs, or until it asks again in the next stage. */
const BOOT_MS = 120_000;
/** A large room that is switched on at once. */
const MAX_MACHINES = 16_384;

/** The machines that are booting from the network now. */
export class RecentBoots {
  /** When each was last heard, oldest first. */
  readonly #heardMs = new Map<MacAddress, number>();

  note(mac: MacAddress, nowMs: number): void {
    this.#heardMs.delete(mac);
    this.#heardMs.set(mac, nowMs);
    if (this.#heardMs.size <= MAX_MACHINES) return;
    const [oldest] = this.#heardMs.keys();
    if (oldest !== undefined) this.#heardMs.delete(oldest);
  }

  /** A machine that no longer boots, as its operating system asks for an address. */
  forget(mac: MacAddress): void {
    this.#heardMs.delete(mac);
  }

  has(mac: MacAddress, nowMs: number): boolean {
    const heardMs = this.#heardMs.get(mac);
    return heardMs !== undefined && nowMs - heardMs < BOOT_MS;
  }
}
