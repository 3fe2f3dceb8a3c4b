/** The kernel's table of neighbours, read no more often than a storm of boots allows. */

/** proc_net(5): the addresses that the kernel has resolved, with their MACs. */
const ARP_TABLE = "/proc/self/net/arp";
/** How long an entry is believed; an address changes its machine rarely. */
const FRESH_MS = 1000;
/** The pause after which an address that was not there is looked for again. */
const MISS_MS = 50;

export class ArpTable {
  readonly #read: () => string;
  #macs: ReadonlyMap<string, string> = new Map();
  #readMs = -Infinity;

  constructor(read: () => string = () => Deno.readTextFileSync(ARP_TABLE)) {
    this.#read = read;
  }

  /** Undefined if the kernel has not resolved the address, as with every address behind a router. */
  macOf(address: string, nowMs = performance.now()): string | undefined {
    const age = nowMs - this.#readMs;
    const known = age < FRESH_MS ? this.#macs.get(address) : undefined;
    if (known !== undefined || age < MISS_MS) return known;
    this.#macs = macsIn(this.#read());
    this.#readMs = nowMs;
    return this.#macs.get(address);
  }
}

/** The table's columns are: IP address, hardware type, flags, MAC, mask, device. */
function macsIn(table: string): ReadonlyMap<string, string> {
  const macs = new Map<string, string>();
  for (const line of table.split("\n")) {
    const [ip = "", , , mac = ""] = line.split(/\s+/);
    if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && mac !== "00:00:00:00:00:00") macs.set(ip, mac);
  }
  return macs;
}
