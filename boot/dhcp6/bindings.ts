import type { MacAddress } from "../dhcp/address.ts";
import { addressIn, interfaceIdOf, type Ipv6, type Ipv6Prefix } from "./address.ts";
import { type Dhcp6Client, hashedInterfaceId } from "./request.ts";

/** How long an address that a client found in use is given to nobody. */
const DECLINED_MS = 86_400_000;
const MAX_DECLINED = 4096;
/** Of addresses that are tried for one client. */
const MAX_ATTEMPTS = 8;

interface BindingOptions {
  readonly prefix: Ipv6Prefix;
  /** Addresses of others: this server's own. */
  readonly excluded: ReadonlySet<Ipv6>;
  /** The address that the operator has given a node. */
  readonly reserved: (mac: MacAddress) => Ipv6 | undefined;
}

/**
 * Which client has which address. That is a function of its MAC address, so firmware, iPXE, the agent and the clone get
 * the same one, whatever identifier each of them has, and nothing has to be stored.
 */
export class Bindings {
  readonly #options: BindingOptions;
  /** Until when, oldest first. */
  readonly #declined = new Map<Ipv6, number>();

  constructor(options: BindingOptions) {
    this.#options = options;
  }

  /** Undefined if every address for this client is in use by others. */
  addressOf({ mac, duid }: Pick<Dhcp6Client, "mac" | "duid">, nowMs: number): Ipv6 | undefined {
    const { prefix, excluded, reserved } = this.#options;
    const isFree = (address: Ipv6 | undefined) =>
      address !== undefined && !excluded.has(address) && !(nowMs < (this.#declined.get(address) ?? 0));
    const assigned = mac && reserved(mac);
    if (isFree(assigned)) return assigned;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const id = mac && attempt === 0 ? interfaceIdOf(mac) : hashedInterfaceId(mac ?? duid, attempt);
      const address = addressIn(prefix, id);
      if (isFree(address)) return address;
    }
    return undefined;
  }

  /** Another machine uses the client's address. */
  decline(address: Ipv6, nowMs: number): void {
    this.#declined.delete(address);
    this.#declined.set(address, nowMs + DECLINED_MS);
    const [oldest] = this.#declined.keys();
    if (this.#declined.size > MAX_DECLINED && oldest !== undefined) this.#declined.delete(oldest);
  }
}
