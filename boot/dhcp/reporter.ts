import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { BoundedLog } from "../bounded_log.ts";
import type { Ipv4 } from "./address.ts";
import type { AddressRange } from "./leases.ts";
import type { Decision } from "./policy.ts";
import type { DhcpRequest } from "./request.ts";

/** How often to report the same relay of a foreign network. */
const FOREIGN_LINK_MS = 600_000;
const MAX_FOREIGN_LINKS = 256;

const log = getLogger(["rackseed", "dhcp"]);

/** Logs decisions, rate-limited so that a flood cannot fill the log. */
export class Reporter {
  /** The pool, if this server has one. */
  readonly #range: AddressRange | undefined;
  readonly #lines = new BoundedLog(log);
  /** When each relay of a foreign network was last reported. */
  readonly #foreign = new Map<Ipv4, number>();

  constructor(range?: AddressRange) {
    this.#range = range;
  }

  report({ packet, client, intent, relayed }: DhcpRequest, decision: Decision, nowMs: number): void {
    const about = { mac: client.mac, xid: packet.xid, intent: intent.kind };
    if (decision.kind !== "silent") {
      const { yiaddr: address, file } = decision.reply;
      const { arch, ipxe } = client;
      return this.#lines.write("info", decision.kind, { ...about, address, file, arch, ipxe });
    }
    const range = this.#range;
    switch (decision.why) {
      case "exhausted":
        return this.#lines.write("warn", "pool-exhausted", {
          ...about,
          range,
          remedy: "widen the DHCP range, shorten the lease time, or reserve addresses outside the range.",
        });
      case "foreign-link":
        if (!this.#shouldReport(packet.giaddr, nowMs)) return;
        return this.#lines.write("warn", "foreign-link", {
          ...about,
          relay: packet.giaddr,
          link: relayed.link,
          range,
          remedy: "choose a DHCP range on this client's network; the present one belongs to another network.",
        });
      case "declined":
        return this.#lines.write("warn", "declined", {
          ...about,
          remedy: "another machine uses this address: find it, or take the address out of the range.",
        });
      default:
        return log.debug(decision.why, about);
    }
  }

  /** A client may have claimed an address that nothing can be sent to. */
  unsent({ client: { mac } }: DhcpRequest, { to, error }: { to: unknown; error: unknown }): void {
    this.#lines.write("warn", "unsent", { mac, to, error: messageOf(error) });
  }

  #shouldReport(relay: Ipv4, nowMs: number): boolean {
    if (nowMs - (this.#foreign.get(relay) ?? -Infinity) < FOREIGN_LINK_MS) return false;
    const [oldest] = this.#foreign.keys();
    if (oldest !== undefined && this.#foreign.size >= MAX_FOREIGN_LINKS) this.#foreign.delete(oldest);
    this.#foreign.delete(relay);
    this.#foreign.set(relay, nowMs);
    return true;
  }
}
