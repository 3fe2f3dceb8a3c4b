import type { MacAddress } from "../dhcp/address.ts";

/** Longer than iPXE configures a NIC, even on a switch port with spanning tree. */
const BOOT_MS = 120_000;
/** A large room that is switched on at once. */
const MAX_MACHINES = 16_384;

/** The machines that run iPXE now. */
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

  /** A machine that runs something else now, which asks for an address. */
  forget(mac: MacAddress): void {
    this.#heardMs.delete(mac);
  }

  has(mac: MacAddress, nowMs: number): boolean {
    const heardMs = this.#heardMs.get(mac);
    return heardMs !== undefined && nowMs - heardMs < BOOT_MS;
  }
}
