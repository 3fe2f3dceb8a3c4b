/** Notes the machines that ask by DHCP, TFTP and HTTP, so that an operator sees those that are no nodes yet. */
import type { Architecture, BootClient } from "../../boot/dhcp/boot_client.ts";
import { macInAddress, parseIpv6 } from "../../boot/dhcp6/address.ts";
import { TokenBucket } from "../../boot/token_bucket.ts";
import type { Sighting } from "#contract/api/machines.ts";
import { ArpTable } from "./arp_table.ts";
import type { NetbootOrders } from "../fleet/netboot_orders.ts";
import type { Nodes } from "../store/nodes.ts";
import type { Glimpse } from "../store/sightings.ts";

/** New machines that are recorded: all of a room that is switched on, and few of a flood. */
const NEWCOMERS = { burst: 1000, perSecond: 5 };

const ARCHITECTURES: Readonly<Record<Architecture, Pick<Sighting, "architecture" | "firmware">>> = {
  // what runs BIOS today runs 64-bit programs, but its firmware does not say so
  "bios": { firmware: "bios" },
  "uefi-ia32": { architecture: "x86", firmware: "uefi" },
  "uefi-x64": { architecture: "x86-64", firmware: "uefi" },
  "uefi-arm32": { architecture: "arm32", firmware: "uefi" },
  "uefi-arm64": { architecture: "arm64", firmware: "uefi" },
  "unknown": {},
};

export class MachineSightings {
  readonly #nodes: Pick<Nodes, "byMac">;
  readonly #orders: Pick<NetbootOrders, "noteSeen">;
  readonly #arp: ArpTable;
  readonly #newcomers = new TokenBucket(NEWCOMERS);

  constructor(
    { nodes, orders, readArp }: {
      nodes: Pick<Nodes, "byMac">;
      orders: Pick<NetbootOrders, "noteSeen">;
      readArp?: () => string;
    },
  ) {
    this.#nodes = nodes;
    this.#orders = orders;
    this.#arp = new ArpTable(readArp);
  }

  /** A client of DHCP. */
  client({ mac, arch, pxe }: BootClient): void {
    this.#note(mac, { by: "dhcp", boots: pxe, ...(pxe && ARCHITECTURES[arch]) });
  }

  /** A machine asked for its script. Returns whether it is known from now on. */
  script(mac: string, by: "tftp" | "http"): boolean {
    return this.#note(mac, { by, boots: true });
  }

  /** The machine at this address asked for a boot file. Behind a router, nothing tells which one it is. */
  file(address: string, by: "tftp" | "http"): void {
    const mac = address.includes(":") ? macInAddress(parseIpv6(address)) : this.#arp.macOf(address);
    if (mac !== undefined) this.#note(mac, { by, address, boots: true });
  }

  #note(mac: string, glimpse: Glimpse): boolean {
    if (this.#nodes.byMac(mac) === undefined && !this.#newcomers.take(performance.now())) return false;
    this.#orders.noteSeen(mac, glimpse);
    return true;
  }
}
