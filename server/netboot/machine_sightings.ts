/** Notes the machines that ask by DHCP, TFTP and HTTP, so that an operator sees those that are no nodes yet. */
import type { Architecture, BootClient } from "../../boot/dhcp/boot_client.ts";
import { TokenBucket } from "../../boot/token_bucket.ts";
import type { Sighting } from "#contract/api/machines.ts";
import type { NetbootOrders } from "../fleet/netboot_orders.ts";
import type { Nodes } from "../store/nodes.ts";
import type { Glimpse } from "../store/sightings.ts";

/** New machines that are recorded: all of a room that is switched on, and few of a flood. */
const NEWCOMERS = { burst: 1000, perSecond: 5 };
/** proc_net(5): the addresses that the kernel has resolved, with their MACs. */
const ARP_TABLE = "/proc/self/net/arp";

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
  readonly #readArp: () => string;
  readonly #newcomers = new TokenBucket(NEWCOMERS);

  constructor(
    { nodes, orders, readArp = () => Deno.readTextFileSync(ARP_TABLE) }: {
      nodes: Pick<Nodes, "byMac">;
      orders: Pick<NetbootOrders, "noteSeen">;
      readArp?: () => string;
    },
  ) {
    this.#nodes = nodes;
    this.#orders = orders;
    this.#readArp = readArp;
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
    const mac = macInArpTable(this.#readArp(), address);
    if (mac !== undefined) this.#note(mac, { by, address, boots: true });
  }

  #note(mac: string, glimpse: Glimpse): boolean {
    if (this.#nodes.byMac(mac) === undefined && !this.#newcomers.take(performance.now())) return false;
    this.#orders.noteSeen(mac, glimpse);
    return true;
  }
}

/** The MAC of an address in the kernel's table, whose columns are: IP address, hardware type, flags, MAC, mask, device. */
function macInArpTable(table: string, address: string): string | undefined {
  for (const line of table.split("\n")) {
    const [ip, , , mac = ""] = line.split(/\s+/);
    if (ip !== address) continue;
    return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && mac !== "00:00:00:00:00:00" ? mac : undefined;
  }
  return undefined;
}
